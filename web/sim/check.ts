import type { Question } from './check-worker.ts'

export interface Checked {
  readonly states: number
  /** There are no more. */
  readonly complete: boolean
  readonly failure?: { readonly message: string; readonly schedule: string }
}

/** Searches all orders, within bounds. Answers how to stop it: then there is no answer. */
export function checkOrders(question: Question, answer: (checked: Checked | Error) => void): () => void {
  const worker = new Worker(new URL('check-worker.js', import.meta.url), { type: 'module' })
  const end = (checked: Checked | Error): void => {
    worker.terminate()
    answer(checked)
  }
  worker.addEventListener('message', ({ data }: MessageEvent<Checked>) => end(data))
  worker.addEventListener('error', ({ message }) => end(new Error(message || 'the search could not start')))
  worker.postMessage(question)
  return () => worker.terminate()
}

export function checkedText({ states, complete, failure }: Checked, kills: 0 | 1): string {
  const count = `${states.toLocaleString('en')} states`
  if (failure !== undefined)
    return `${count}, and one of them fails: ${failure.message}. Here is the way there.`
  const kinds = kills === 1 ? ', with a thread killed at each point' : ''
  return complete
    ? `All orders looked at${kinds}, ${count}: none fails.`
    : `${count} looked at, none fails; there are more. Fewer events, or a smaller ring, make it complete.`
}

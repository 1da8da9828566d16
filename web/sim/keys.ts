import type { Stage } from './stage.ts'

/** What a key does with a stage. Where one types, or presses a button, it does what it does there. */
export function pressed(stage: Stage, event: KeyboardEvent): void {
  const { key, code } = event
  const target = event.target as HTMLElement
  if (event.ctrlKey || event.metaKey || event.altKey || target.closest('input, select, textarea')) return
  const thread = /^Digit([1-8])$/.exec(code)
  const isButton = target.closest('button, summary') !== null
  if (thread !== null) {
    if (event.shiftKey) stage.finish(Number(thread[1]) - 1)
    else stage.step(Number(thread[1]) - 1)
  } else if (key === 'ArrowLeft') stage.goTo(stage.session.position - 1)
  else if (key === 'ArrowRight') stage.forward()
  else if (key === 'Home') stage.goTo(0)
  else if (key === 'End') stage.goTo(stage.session.length)
  else if (key === ' ' && !isButton) stage.toggle()
  else return
  event.preventDefault()
}

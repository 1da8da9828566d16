// Lets the workers write, ends one in the middle of its work, moves the pointer, and stops the others.
import { figures, isWiderThanItsWindow, one, until, visit } from './visit.ts'

const MOVES = 100

const rows = () => [...document.querySelectorAll<HTMLElement>('#writers tr')].map(figures)

visit(async () => {
  await until('all workers write, and some events are missed', () => {
    const [first, ...others] = rows()
    return first !== undefined && first.missed! > 0 && others.every(({ read }) => read! > 0)
  })
  one('#writers tr:first-child button').click()
  const before = rows()
  await until('the others go on', () =>
    rows().every(({ read }, i) => i === 0 || read! > before[i]!.read! + 5),
  )
  for (let i = 0; i < MOVES; i++)
    dispatchEvent(new PointerEvent('pointermove', { clientX: 3 * i, clientY: 4 * i }))
  const pointer = () => figures(one('#pointer-ledger'))
  await until('the worker has seen the pointer', () => pointer().read === MOVES)
  one('#stop').click()
  await until('the ledger closes', () => one('#jobs-verdict').dataset.closes === 'true')
  return {
    isWide: isWiderThanItsWindow(),
    verdict: one('#jobs-verdict').innerText,
    states: [...document.querySelectorAll<HTMLElement>('.state')].map(({ innerText }) => innerText),
    writers: rows(),
    ledger: figures(one('#jobs-ledger')),
    pointer: pointer(),
    isHelpHidden: one('#needs-isolation').hidden,
  }
})

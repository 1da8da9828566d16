// Reads what the page says where there is no shared memory.
import { isWiderThanItsWindow, one, until, visit } from './visit.ts'

visit(async () => {
  await until('the page says what is missing', () => !one('#needs-isolation').hidden)
  return {
    isWide: isWiderThanItsWindow(),
    help: one('#needs-isolation').innerText,
    isAppHidden: one('#app').hidden,
  }
})

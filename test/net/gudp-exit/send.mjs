export const COUNT = 100

/** More than goes out at once. */
export function sendAll({ messages: { reliable } }) {
  for (let i = 0; i < COUNT; i++) {
    if (!reliable.send(`${i} `.padEnd(2000, '.'))) throw new Error(`message ${i} is not taken`)
  }
}

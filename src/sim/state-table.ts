/**
 * The states seen, by a 64-bit hash: each has a number, and a word for the explorer. Ten million states give a
 * chance of about 1 in 400,000 that two share a hash, and one of them would then not be explored.
 */
export class StateTable {
  /** The number of states. */
  size = 0
  /** Hash of the last `hash` call. */
  low = 0
  high = 0
  private slots = new Uint32Array(SLOT << 12)
  private mask = (1 << 12) - 1

  /** Hashes `length` words from `at`; `low`, `high` and `salt` stand for what is hashed already. */
  hash(words: Int32Array, at: number, length: number, low: number, high: number, salt: number): void {
    let a = low ^ length
    let b = high ^ salt
    for (let i = at, end = at + length; i < end; i++) {
      const word = words[i]!
      let k = Math.imul(word, 0xcc9e2d51)
      k = (k << 15) | (k >>> 17)
      a ^= Math.imul(k, 0x1b873593)
      a = (a << 13) | (a >>> 19)
      a = (Math.imul(a, 5) + 0xe6546b64) | 0
      k = Math.imul(word ^ b, 0x9e3779b1)
      b = (Math.imul((k << 16) | (k >>> 16), 0x85ebca77) + 0x165667b1) | 0
    }
    this.low = finish(a ^ Math.imul(salt, 0x27d4eb2f)) >>> 0
    this.high = finish(b) >>> 0
  }

  /** The number of the state with the last hash, or -1 when it is new (and has been added). */
  add(): number {
    const slot = this.find()
    const number = this.slots[slot + 2]!
    if (number !== 0) return number - 1
    this.slots[slot] = this.low
    this.slots[slot + 1] = this.high
    this.slots[slot + 2] = ++this.size
    this.slots[slot + 3] = 0
    if (this.size * 2 > this.mask) this.grow()
    return -1
  }

  /** The explorer's word of the state with the last hash. */
  get note(): number {
    return this.slots[this.find() + 3]!
  }

  set note(value: number) {
    this.slots[this.find() + 3] = value
  }

  /** Whether `other` has the state with this table's last hash. */
  isIn(other: StateTable): boolean {
    other.low = this.low
    other.high = this.high
    return other.slots[other.find() + 2] !== 0
  }

  /** A table of the states whose numbers are in `numbers`. */
  pick(numbers: ReadonlySet<number>): StateTable {
    const picked = new StateTable()
    for (let slot = 0; slot < this.slots.length; slot += SLOT) {
      const number = this.slots[slot + 2]!
      if (number === 0 || !numbers.has(number - 1)) continue
      picked.low = this.slots[slot]!
      picked.high = this.slots[slot + 1]!
      picked.add()
    }
    return picked
  }

  private find(): number {
    const { slots, mask, low, high } = this
    let index = low & mask
    while (true) {
      const slot = index * SLOT
      if (slots[slot + 2] === 0 || (slots[slot] === low && slots[slot + 1] === high)) return slot
      index = (index + 1) & mask
    }
  }

  private grow(): void {
    const old = this.slots
    this.mask = this.mask * 2 + 1
    this.slots = new Uint32Array((this.mask + 1) * SLOT)
    const { low, high } = this
    for (let from = 0; from < old.length; from += SLOT) {
      if (old[from + 2] === 0) continue
      this.low = old[from]!
      this.high = old[from + 1]!
      this.slots.set(old.subarray(from, from + SLOT), this.find())
    }
    this.low = low
    this.high = high
  }
}

/** Words of a slot: hash, hash, number + 1, note. */
const SLOT = 4

function finish(hash: number): number {
  let h = hash ^ (hash >>> 16)
  h = Math.imul(h, 0x85ebca6b)
  h ^= h >>> 13
  h = Math.imul(h, 0xc2b2ae35)
  return h ^ (h >>> 16)
}

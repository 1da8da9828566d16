// The one seam to shared memory's atomics: no other file calls `atomic.*`.
//
// Wasm atomics are sequentially consistent among themselves. Plain loads and stores are not ordered by them on
// ARM beyond this: nothing before an atomic store moves below it (release), nothing after an atomic load moves
// above it (acquire), and an atomic store is not passed by a later atomic load. Two idioms are built on that, both
// spelled out where they are used:
//   announce:  atomic store, atomic load, then plain stores   - the store is seen before the bytes are
//   validate:  plain loads, atomic store, then atomic load    - the bytes were read before the word is
// (`atomic.fence` is not used: asc drops it when optimising.)

@inline export function load32(address: usize): u32 { return atomic.load<u32>(address) }
@inline export function load64(address: usize): u64 { return atomic.load<u64>(address) }
@inline export function store32(address: usize, value: u32): void { atomic.store<u32>(address, value) }
@inline export function store64(address: usize, value: u64): void { atomic.store<u64>(address, value) }
@inline export function add32(address: usize, value: u32): u32 { return atomic.add<u32>(address, value) }
@inline export function add64(address: usize, value: u64): u64 { return atomic.add<u64>(address, value) }
@inline export function or64(address: usize, value: u64): u64 { return atomic.or<u64>(address, value) }
@inline export function and64(address: usize, value: u64): u64 { return atomic.and<u64>(address, value) }
@inline export function and32(address: usize, value: u32): u32 { return atomic.and<u32>(address, value) }
@inline export function or32(address: usize, value: u32): u32 { return atomic.or<u32>(address, value) }

@inline export function swap32(address: usize, value: u32): u32 { return atomic.xchg<u32>(address, value) }

/** Compare and swap; returns what was there: equal to `expected` when it was swapped. */
@inline export function cas32(address: usize, expected: u32, value: u32): u32 {
  return atomic.cmpxchg<u32>(address, expected, value)
}
@inline export function cas64(address: usize, expected: u64, value: u64): u64 {
  return atomic.cmpxchg<u64>(address, expected, value)
}

/** Wakes every thread that waits on the word, and every promise. */
@inline export function wakeAll(address: usize): void { atomic.notify(address, -1) }

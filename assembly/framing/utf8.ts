// Whether bytes are UTF-8, sixteen at a time: John Keiser and Daniel Lemire, "Validating UTF-8 In Less Than One Instruction
// Per Byte", 2021.
//
// Each pair of neighbouring bytes is looked up by three of its nibbles. A table has one bit for each way to be wrong, set
// where that nibble allows it; what all three allow has happened. That leaves out only that the third and fourth bytes of
// long sequences are continuations, which is what TWO_CONTS stands for: it must be set exactly there.

const TOO_SHORT: i8 = 1 << 0 //      11xxxxxx 0xxxxxxx, or 11xxxxxx 11xxxxxx
const TOO_LONG: i8 = 1 << 1 //       0xxxxxxx 10xxxxxx
const OVERLONG_3: i8 = 1 << 2 //     11100000 100xxxxx
const TOO_LARGE: i8 = 1 << 3 //      11110100 1001xxxx, and all above
const SURROGATE: i8 = 1 << 4 //      11101101 101xxxxx
const OVERLONG_2: i8 = 1 << 5 //     1100000x 10xxxxxx
const TOO_LARGE_1000: i8 = 1 << 6 // 11110101 1000xxxx, and all above
const OVERLONG_4: i8 = 1 << 6 //     11110000 1000xxxx; shares the bit, for their first bytes differ
const TWO_CONTS: i8 = -128 //        10xxxxxx 10xxxxxx
const CARRY: i8 = TOO_SHORT | TOO_LONG | TWO_CONTS
const LARGE: i8 = CARRY | TOO_LARGE | TOO_LARGE_1000
const CONT: i8 = TOO_LONG | OVERLONG_2 | TWO_CONTS

/** By the high nibble of the first byte, */
@inline function firstHigh(): v128 {
  return i8x16(
    TOO_LONG, TOO_LONG, TOO_LONG, TOO_LONG, TOO_LONG, TOO_LONG, TOO_LONG, TOO_LONG,
    TWO_CONTS, TWO_CONTS, TWO_CONTS, TWO_CONTS,
    TOO_SHORT | OVERLONG_2, TOO_SHORT, TOO_SHORT | OVERLONG_3 | SURROGATE,
    TOO_SHORT | TOO_LARGE | TOO_LARGE_1000 | OVERLONG_4,
  )
}
/** by its low nibble, */
@inline function firstLow(): v128 {
  return i8x16(
    CARRY | OVERLONG_2 | OVERLONG_3 | OVERLONG_4, CARRY | OVERLONG_2, CARRY, CARRY,
    CARRY | TOO_LARGE, LARGE, LARGE, LARGE, LARGE, LARGE, LARGE, LARGE, LARGE, LARGE | SURROGATE, LARGE, LARGE,
  )
}
/** and by the high nibble of the second. */
@inline function secondHigh(): v128 {
  return i8x16(
    TOO_SHORT, TOO_SHORT, TOO_SHORT, TOO_SHORT, TOO_SHORT, TOO_SHORT, TOO_SHORT, TOO_SHORT,
    CONT | OVERLONG_3 | TOO_LARGE_1000 | OVERLONG_4, CONT | OVERLONG_3 | TOO_LARGE,
    CONT | SURROGATE | TOO_LARGE, CONT | SURROGATE | TOO_LARGE,
    TOO_SHORT, TOO_SHORT, TOO_SHORT, TOO_SHORT,
  )
}

/** Not zero where `block`, which comes after `before`, has an error that ends in it. */
@inline function errorsIn(block: v128, before: v128): v128 {
  const previous = v128.shuffle<u8>(before, block, 15, 16, 17, 18, 19, 20, 21, 22, 23, 24, 25, 26, 27, 28, 29, 30)
  const second = v128.shuffle<u8>(before, block, 14, 15, 16, 17, 18, 19, 20, 21, 22, 23, 24, 25, 26, 27, 28, 29)
  const third = v128.shuffle<u8>(before, block, 13, 14, 15, 16, 17, 18, 19, 20, 21, 22, 23, 24, 25, 26, 27, 28)
  const pairs = v128.and(
    v128.and(
      v128.swizzle(firstHigh(), v128.shr<u8>(previous, 4)),
      v128.swizzle(firstLow(), v128.and(previous, v128.splat<u8>(0x0f))),
    ),
    v128.swizzle(secondHigh(), v128.shr<u8>(block, 4)),
  )
  // The high bit stays only where the byte two before begins a sequence of three or more, or the one three before, of four.
  const mustContinue = v128.or(
    v128.sub_sat<u8>(second, v128.splat<u8>(0xe0 - 0x80)),
    v128.sub_sat<u8>(third, v128.splat<u8>(0xf0 - 0x80)),
  )
  return v128.xor(v128.and(mustContinue, v128.splat<u8>(0x80)), pairs)
}

/** Of `block` the first `bytes`, and zeros behind them. */
@inline function firstBytes(block: v128, bytes: usize): v128 {
  const places = i8x16(0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15)
  return v128.and(block, v128.lt<u8>(places, v128.splat<u8>(<u8>bytes)))
}

/**
 * What a block leaves open is an error of the next; so there is always a last one, with a zero in it. Reads up to 16 bytes
 * past `end`.
 */
export function isUtf8(from: usize, end: usize): bool {
  let errors = v128.splat<u8>(0)
  let before = v128.splat<u8>(0)
  let at = from
  for (; at + 16 <= end; at += 16) {
    const block = v128.load(at)
    if (v128.bitmask<u8>(v128.or(block, before)) != 0) errors = v128.or(errors, errorsIn(block, before))
    before = block
  }
  errors = v128.or(errors, errorsIn(firstBytes(v128.load(at), end - at), before))
  return !v128.any_true(errors)
}

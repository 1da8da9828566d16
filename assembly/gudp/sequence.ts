// Sequence numbers of 16 bits, which wrap.

/** Whether `a` came after `b`. Exactly half way round either way the greater one is newer when it is `a`: the rule of `reliable`. */
@inline export function isNewer(a: u32, b: u32): bool {
  return (a > b && a - b <= 32768) || (a < b && b - a > 32768)
}

/** How far `b` lies behind `a`. */
@inline export function behind(a: u32, b: u32): u32 { return (a - b) & 0xffff }

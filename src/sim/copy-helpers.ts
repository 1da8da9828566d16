/**
 * Widths a bulk copy may use, largest first. Every `memory.copy` owns eight sites (a load and a store of
 * each width) and every `memory.fill` four, so a site's width is static.
 */
export const GRANULES = [8, 4, 2, 1] as const

const LOADS: Record<number, string> = {
  8: 'i64.load',
  4: 'i64.load32_u',
  2: 'i64.load16_u',
  1: 'i64.load8_u',
}
const STORES: Record<number, string> = { 8: 'i64.store', 4: 'i64.store32', 2: 'i64.store16', 1: 'i64.store8' }

/** `memory.copy` as a function: upwards, or downwards where the ranges might overlap, like the instruction. */
export function copyHelper(granule: number): string {
  return `
 (func $sim.copy (param $d i32) (param $s i32) (param $n i32) (param $site i32) (local $v i64)
  local.get $s
  local.get $d
  i32.ge_u
  if
   ${bigLoop(granule, `${copyOne(granule)} ${advance('d', granule)} ${advance('s', granule)}`)}
   ${tail(granule, (bytes) => `${copyOne(bytes)} ${advance('d', bytes)} ${advance('s', bytes)}`)}
  else
   ${advanceBy('d', 'local.get $n')}
   ${advanceBy('s', 'local.get $n')}
   ${tailUp(granule, (bytes) => `${advance('d', -bytes)} ${advance('s', -bytes)} ${copyOne(bytes)}`)}
   ${bigLoop(granule, `${advance('d', -granule)} ${advance('s', -granule)} ${copyOne(granule)}`)}
  end
 )`
}

/** `memory.fill` as a function; the byte is repeated over the granule once, at entry. */
export function fillHelper(granule: number): string {
  return `
 (func $sim.fill (param $d i32) (param $byte i32) (param $n i32) (param $site i32) (local $v i64)
  local.get $byte
  i32.const 255
  i32.and
  i64.extend_i32_u
  i64.const 0x0101010101010101
  i64.mul
  local.set $v
  ${bigLoop(granule, `${fillOne(granule)} ${advance('d', granule)}`)}
  ${tail(granule, (bytes) => `${fillOne(bytes)} ${advance('d', bytes)}`)}
 )`
}

/** A v128 access as two 8-byte halves, each a scheduling point of its own. */
export function vectorHelpers(): string {
  return `
 (func $sim.v128.load (param $a i32) (param $site i32) (result v128) (local $v v128)
  local.get $a local.get $site call $sim.access i64.load align=1
  i64x2.splat
  local.set $v
  local.get $v
  local.get $a local.get $site i32.const 1 i32.add call $sim.access i64.load offset=8 align=1
  i64x2.replace_lane 1
 )
 (func $sim.v128.store (param $a i32) (param $v v128) (param $site i32)
  local.get $a local.get $site call $sim.access
  local.get $v i64x2.extract_lane 0
  i64.store align=1
  local.get $a local.get $site i32.const 1 i32.add call $sim.access
  local.get $v i64x2.extract_lane 1
  i64.store offset=8 align=1
 )`
}

function copyOne(bytes: number): string {
  const site = GRANULES.indexOf(bytes as 8) * 2
  return `
   local.get $s ${siteAt(site)} call $sim.access ${LOADS[bytes]} align=1 local.set $v
   local.get $d ${siteAt(site + 1)} call $sim.access local.get $v ${STORES[bytes]} align=1`
}

function fillOne(bytes: number): string {
  const site = GRANULES.indexOf(bytes as 8)
  return `local.get $d ${siteAt(site)} call $sim.access local.get $v ${STORES[bytes]} align=1`
}

function siteAt(offset: number): string {
  return `local.get $site i32.const ${offset} i32.add`
}

/** Whole granules while at least one is left. */
function bigLoop(granule: number, body: string): string {
  return `
   loop $more
    local.get $n i32.const ${granule} i32.ge_u
    if
     ${body}
     local.get $n i32.const ${granule} i32.sub local.set $n
     br $more
    end
   end`
}

/** What is left is below one granule: each smaller width at most once, its bit of the length says whether. */
function tail(granule: number, body: (bytes: number) => string): string {
  return smaller(granule)
    .map((bytes) => `local.get $n i32.const ${bytes} i32.and if ${body(bytes)} end`)
    .join('\n')
}

/** Downwards the odd end comes first, and must leave a multiple of the granule. */
function tailUp(granule: number, body: (bytes: number) => string): string {
  const parts = smaller(granule).reverse()
  const drop = `local.get $n i32.const ${-granule} i32.and local.set $n`
  return `${parts.map((bytes) => `local.get $n i32.const ${bytes} i32.and if ${body(bytes)} end`).join('\n')} ${drop}`
}

function smaller(granule: number): number[] {
  return GRANULES.filter((bytes) => bytes < granule)
}

function advance(local: 'd' | 's', bytes: number): string {
  return advanceBy(local, `i32.const ${bytes}`)
}

function advanceBy(local: 'd' | 's', amount: string): string {
  return `local.get $${local} ${amount} i32.add local.set $${local}`
}

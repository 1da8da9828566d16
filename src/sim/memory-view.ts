/** Typed reads of simulated memory, little-endian. */
export class MemoryView {
  private readonly data: DataView
  private readonly check: (address: number, bytes: number) => void

  constructor(buffer: ArrayBuffer, check: (address: number, bytes: number) => void = () => {}) {
    this.data = new DataView(buffer)
    this.check = check
  }

  get bytesInAll(): number {
    return this.data.byteLength
  }

  u8(address: number): number {
    this.check(address, 1)
    return this.data.getUint8(address)
  }

  u16(address: number): number {
    this.check(address, 2)
    return this.data.getUint16(address, true)
  }

  i32(address: number): number {
    this.check(address, 4)
    return this.data.getInt32(address, true)
  }

  u32(address: number): number {
    this.check(address, 4)
    return this.data.getUint32(address, true)
  }

  u64(address: number): bigint {
    this.check(address, 8)
    return this.data.getBigUint64(address, true)
  }

  f64(address: number): number {
    this.check(address, 8)
    return this.data.getFloat64(address, true)
  }

  /** A copy. */
  bytes(address: number, count: number): number[] {
    this.check(address, count)
    return Array.from(new Uint8Array(this.data.buffer, address, count))
  }

  /** Little-endian hexadecimal of up to eight bytes, a plain byte dump of more: for traces. */
  hex(address: number, count: number): string {
    const bytes = this.bytes(address, count)
    if (count <= 8) bytes.reverse()
    const digits = bytes.map((byte) => byte.toString(16).padStart(2, '0'))
    return count <= 8 ? `0x${digits.join('')}` : digits.join(' ')
  }
}

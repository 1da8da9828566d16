// DNS messages (RFC 1035), as far as the examples need them.
//
//   id u16 | flags u16 | counts of: questions u16, answers u16, authorities u16, additional u16
//   questions: name | type u16 | class u16          answers: name | type u16 | class u16 | ttl u32 | bytes u16 | data

export const TYPES = { A: 1, CNAME: 5, TXT: 16, AAAA: 28 }
export const NO_SUCH_NAME = 3

const HEAD_BYTES = 12
const INTERNET = 1
const RECURSION_DESIRED = 0x0100
const ANSWER = 0x8180
const TRUNCATED = 0x0200
const TTL_SECONDS = 60

const u16 = (value) => [value >> 8, value & 255]

export function encodeQuery(id, name, type) {
  const out = [...u16(id), ...u16(RECURSION_DESIRED), ...u16(1), ...u16(0), ...u16(0), ...u16(0)]
  putName(out, name, new Map())
  out.push(...u16(type), ...u16(INTERNET))
  return Buffer.from(out)
}

/** `records`: `{ name, type, data }`. An answer longer than `mostBytes` says that it is cut short, and has none of them. */
export function encodeAnswer({ id, name, type }, records, { code = 0, mostBytes = 512 } = {}) {
  const out = [...u16(id), ...u16(ANSWER | code), ...u16(1), ...u16(records.length), ...u16(0), ...u16(0)]
  const known = new Map()
  putName(out, name, known)
  out.push(...u16(type), ...u16(INTERNET))
  for (const record of records) {
    putName(out, record.name, known)
    out.push(...u16(TYPES[record.type]), ...u16(INTERNET), ...u16(0), ...u16(TTL_SECONDS))
    const lengthAt = out.push(0, 0) - 2
    putData(out, record, known)
    out.splice(lengthAt, 2, ...u16(out.length - lengthAt - 2))
  }
  if (out.length <= mostBytes) return Buffer.from(out)
  const cut = encodeAnswer({ id, name, type }, [], { code })
  cut.writeUInt16BE(ANSWER | TRUNCATED | code, 2)
  return cut
}

function putData(out, { type, data }, known) {
  if (type === 'CNAME') putName(out, data, known)
  else if (type === 'TXT') out.push(data.length, ...Buffer.from(data))
  else out.push(...data)
}

/** The end of a name that is in the message already is a pointer to it. */
function putName(out, name, known) {
  const labels = name.replace(/\.$/, '').split('.')
  if (name.length > 253 || labels.some((label) => label === '' || Buffer.byteLength(label) > 63))
    throw new Error(`${name} is no name: its parts have 1 to 63 bytes`)
  for (let i = 0; i < labels.length; i++) {
    const rest = labels.slice(i).join('.')
    if (known.has(rest)) return void out.push(...u16(0xc000 | known.get(rest)))
    known.set(rest, out.length)
    out.push(Buffer.byteLength(labels[i]), ...Buffer.from(labels[i]))
  }
  out.push(0)
}

/** Throws on what is none. */
export function readMessage(bytes) {
  const [id, flags, questions, count] = [0, 2, 4, 6].map((at) => bytes.readUInt16BE(at))
  if (questions !== 1) throw new Error('a message has one question')
  const { name, end } = readName(bytes, HEAD_BYTES)
  const answers = []
  let at = end + 4
  for (let i = 0; i < count; i++) {
    const { name, end } = readName(bytes, at)
    const length = bytes.readUInt16BE(end + 8)
    at = end + 10 + length
    if (at > bytes.length) throw new Error('a record is longer than the message')
    answers.push({
      name,
      type: bytes.readUInt16BE(end),
      ...readData(bytes, bytes.readUInt16BE(end), end + 10, length),
    })
  }
  const type = bytes.readUInt16BE(end)
  return {
    id,
    isAnswer: flags >= 0x8000,
    isTruncated: (flags & TRUNCATED) !== 0,
    code: flags & 15,
    name,
    type,
    answers,
  }
}

function readData(bytes, type, at, length) {
  const data = bytes.subarray(at, at + length)
  if (type === TYPES.CNAME) return { data: readName(bytes, at).name }
  if (type === TYPES.A && length === 4) return { data: data.join('.') }
  if (type !== TYPES.AAAA || length !== 16) return { data }
  const groups = Array.from({ length: 8 }, (_, i) => data.readUInt16BE(i * 2).toString(16))
  return { data: new URL(`http://[${groups.join(':')}]`).hostname.slice(1, -1) } // as short as it can be written
}

/** A pointer must point to before where its name begins, or it might never end. */
function readName(bytes, from) {
  const labels = []
  let end
  for (let at = from, before = from; ; ) {
    const length = bytes.readUInt8(at)
    if (length === 0) return { name: labels.join('.').toLowerCase(), end: end ?? at + 1 }
    if (length < 64) {
      labels.push(bytes.toString('latin1', at + 1, at + 1 + length))
      at += 1 + length
      continue
    }
    const target = bytes.readUInt16BE(at) & 0x3fff
    if (length < 0xc0 || target >= before) throw new Error('a name that does not end')
    end ??= at + 2
    before = target
    at = target
  }
}

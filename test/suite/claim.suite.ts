// Writing in place.
import type { OneToOne } from 'spillway'
import { bytes, deepEqual, equal, ok, suite, text, throwsCode } from '../support/harness.ts'
import { fillPayload, readPayload } from '../support/payload.ts'
import { checkPair } from './ledger.ts'
import { type Build, type Kind, type Pair, type Policy, readAll, withPair } from './rigs.ts'

export const claimSuite = (kind: Kind, policy: Policy, build: Build) =>
  suite(`${kind}, ${policy}: claim, commit, abort`, (t) => {
    const claiming = (
      name: string,
      fn: (writer: OneToOne, pair: Pair) => void,
      capacity = 4,
      recordBytes = 16,
    ) =>
      t.test(name, () =>
        withPair(build(capacity, null, { recordBytes }), (pair) => fn(pair.writer as OneToOne, pair)),
      )

    claiming('a claim is written in place and read whole', (writer, { reader }) => {
      const place = writer.claim(5)
      ok(place, 'claim')
      equal(place.length, 5, 'length of the place')
      place.set(bytes('hello'))
      equal(reader.tryNext(), undefined, 'nothing is read before the commit')
      writer.commit()
      equal(text(reader.tryNext()), 'hello', 'tryNext')
    })

    claiming('commit of fewer bytes', (writer, pair) => {
      writer.claim(16)!.set(bytes('hello, world'))
      writer.commit(5)
      writer.claim(16)
      writer.commit(0)
      writer.set('next')
      deepEqual(readAll(pair.reader).map(text), ['hello', '', 'next'])
      checkPair(pair, 'at the end')
    })

    claiming('every length', (writer, pair) => {
      for (let length = 0; length <= 64; length++) {
        fillPayload(writer.claim(length)!, 1, length)
        writer.commit()
        const got = pair.reader.tryNext()!
        equal(got.length, length, 'length')
        ok(typeof readPayload(got) !== 'string', `${length} bytes whole`)
      }
      checkPair(pair, 'at the end')
    })

    claiming('abort leaves no trace', (writer, pair) => {
      writer.set('a')
      writer.claim(10)!.fill(1)
      writer.abort()
      checkPair(pair, 'after abort')
      writer.set('b')
      deepEqual(readAll(pair.reader).map(text), ['a', 'b'])
      const { offered, written } = writer.stats()
      deepEqual({ offered, written }, { offered: 2, written: 2 })
    })

    claiming('abort loses at most what room for the claim cost', (writer, pair) => {
      for (let i = 0; i < 4; i++) writer.set(`${i}`)
      if (writer.claim(3)) writer.abort()
      checkPair(pair, 'after abort')
      const got = readAll(pair.reader).map(text)
      deepEqual(got, ['0', '1', '2', '3'].slice(4 - got.length), 'what is left')
      ok(got.length >= 3, 'at most one is lost')
      checkPair(pair, 'at the end')
    })

    claiming('a full ring', (writer, pair) => {
      for (let i = 0; i < 4; i++) writer.set(`${i}`)
      const place = writer.claim(1)
      if (policy === 'drop-newest') {
        equal(place, undefined, 'claim')
        equal(writer.stats().dropped, 1, 'dropped')
        throwsCode(() => writer.commit(), 'ERR_NO_CLAIM', 'commit after a refused claim')
      } else {
        place!.set(bytes('4'))
        writer.commit()
        deepEqual(readAll(pair.reader).map(text), ['1', '2', '3', '4'])
      }
      checkPair(pair, 'at the end')
    })

    claiming('oversize', (writer, pair) => {
      equal(writer.claim(65), undefined, 'claim')
      equal(writer.stats().oversize, 1, 'oversize')
      throwsCode(() => writer.commit(), 'ERR_NO_CLAIM')
      equal(writer.set('still works'), true, 'set')
      checkPair(pair, 'at the end')
    })

    claiming('misuse has a code and changes nothing', (writer, pair) => {
      throwsCode(() => writer.commit(), 'ERR_NO_CLAIM', 'commit without a claim')
      throwsCode(() => writer.abort(), 'ERR_NO_CLAIM', 'abort without a claim')
      writer.claim(8)!.set(bytes('12345678'))
      throwsCode(() => writer.claim(1), 'ERR_CLAIM_OPEN', 'a second claim')
      throwsCode(() => writer.set('x'), 'ERR_CLAIM_OPEN', 'set with a claim open')
      throwsCode(() => writer.set(new Uint8Array(3)), 'ERR_CLAIM_OPEN', 'set of bytes with a claim open')
      throwsCode(() => writer.set('x'.repeat(100)), 'ERR_CLAIM_OPEN', 'an oversize set with a claim open')
      throwsCode(() => writer.commit(9), 'ERR_CLAIM_EXCEEDED', 'commit of more than was claimed')
      writer.commit(8)
      throwsCode(() => writer.commit(), 'ERR_NO_CLAIM', 'a second commit')
      throwsCode(() => writer.abort(), 'ERR_NO_CLAIM', 'abort after commit')
      equal(text(pair.reader.tryNext()), '12345678', 'tryNext')
      const { offered, written } = writer.stats()
      deepEqual({ offered, written }, { offered: 1, written: 1 })
      checkPair(pair, 'at the end')
    })

    claiming('arguments that are no lengths', (writer) => {
      for (const length of [-1, 1.5, Number.NaN, Number.POSITIVE_INFINITY, '3', null, {}])
        throwsCode(() => writer.claim(length as number), 'ERR_INVALID_ARGUMENT', `claim(${String(length)})`)
      writer.claim(4)
      for (const length of [-1, 1.5, Number.NaN, '3', null])
        throwsCode(() => writer.commit(length as number), 'ERR_INVALID_ARGUMENT', `commit(${String(length)})`)
      writer.abort()
    })

    claiming('the reader goes on while a claim is open', (writer, pair) => {
      for (let round = 0; round < 60; round++) {
        writer.set(`a${round}`)
        const place = writer.claim(6)!
        place.fill(65 + (round % 26))
        equal(text(pair.reader.tryNext()), `a${round}`, 'what was there before the claim')
        if (round % 3 === 0) writer.abort()
        else writer.commit(round % 7)
        const rest = readAll(pair.reader).map(text)
        const expected = round % 3 === 0 ? [] : [String.fromCharCode(65 + (round % 26)).repeat(round % 7)]
        deepEqual(rest, expected, `round ${round}`)
        checkPair(pair, `round ${round}`)
      }
    })

    t.test('close with a claim open', () => {
      const pair = build(4)
      const writer = pair.writer as OneToOne
      writer.set('a')
      writer.claim(10)
      pair.close()
      equal(writer.set('b'), false, 'set after close')
      equal(writer.claim(1), undefined, 'claim after close')
    })
  })

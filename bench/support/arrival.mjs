// Holds what was offered against what has come.

/**
 * `lost`: the share that never came; `refused`: what of it the client itself dropped. Throws when the books do not balance: more than was sent, lines that are not whole
 * (but for a client that `tears` them), or a datagram that neither came nor was dropped by the kernel.
 */
export function arrived(offered, { sent = offered, datagrams, refused = 0, tears = false }, got) {
  if (got.lines > sent) throw new Error(`${got.lines} lines came of ${sent} that were sent`)
  if (got.odd > 0 && !tears) throw new Error(`${got.odd} datagrams begin in the middle of a line`)
  if (datagrams !== undefined && got.dropped !== undefined && got.datagrams + got.dropped !== datagrams) {
    throw new Error(
      `${datagrams} datagrams sent: ${got.datagrams} came, ${got.dropped} found the buffer full`,
    )
  }
  return { lost: (offered - got.lines) / offered, refused: refused / offered, arrived: got.lines }
}

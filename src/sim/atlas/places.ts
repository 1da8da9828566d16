import type { Atlas, Structure } from './atlas.ts'

/** What an address is called: `tail of OneToOne`, `data + 24 of OneToOne`, `scratch of reader`. */
export function placeName({ structures, members, tableBytes, table }: Atlas, address: number): string {
  const word = table.find((field) => isIn(field, address))
  if (word !== undefined) return word.label
  for (const { title, blocks, tracks } of structures) {
    for (const field of blocks.flatMap(({ fields }) => fields))
      if (isIn(field, address)) return `${field.label} of ${title}`
    for (const track of tracks)
      if (isIn({ address: track.address, bytes: track.bytes + track.overhang }, address))
        return `${track.title} + ${address - track.address} of ${title}`
  }
  const owner = members.find(
    ({ scratch, scratchBytes }) => scratch !== 0 && isIn({ address: scratch, bytes: scratchBytes }, address),
  )
  if (owner !== undefined) return `scratch of ${owner.name}`
  const object = structures.find((structure) => isIn(structure, address))
  if (object !== undefined) return nameIn(object, address)
  return address < tableBytes ? 'the region’s tables' : `${address}`
}

function isIn(place: { readonly address: number; readonly bytes: number }, address: number): boolean {
  return address >= place.address && address < place.address + place.bytes
}

function nameIn({ title, address: start, headerBytes }: Structure, address: number): string {
  return address - start < headerBytes ? `header of ${title}` : `${title} + ${address - start}`
}

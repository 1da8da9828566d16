// What the pages name is there: links, their anchors, files in the text, scripts.
import { readdirSync } from 'node:fs'
import { basename, dirname, join, normalize } from 'node:path'
import { describe, expect, it } from 'vitest'
import { pageOf, root } from '../support/docs-example.ts'

const folders = ['assembly', 'bench', 'docs', 'examples', 'src', 'test', 'tools', 'web']
const pages = [
  'README.md',
  'CONTRIBUTING.md',
  'CHANGELOG.md',
  'bench/README.md',
  ...readdirSync(join(root, 'docs'))
    .filter((name) => name.endsWith('.md'))
    .map((name) => `docs/${name}`),
]

const paths = new Set(['.', ...readdirSync(root), ...folders.flatMap(allBelow)])
const names = new Set([...paths].map((path) => basename(path)))

function allBelow(folder: string): string[] {
  const entries = readdirSync(join(root, folder), { withFileTypes: true })
  return entries.flatMap((entry) => {
    const path = `${folder}/${entry.name}`
    return entry.isDirectory() ? [path, ...allBelow(path)] : [path]
  })
}

const withoutBlocks = (page: string) => page.replaceAll(/^```[\s\S]*?^```/gm, '')

/** As GitHub names the headings of a page. */
function anchorsOf(page: string): Set<string> {
  const anchors = new Set<string>()
  for (const [, title] of withoutBlocks(page).matchAll(/^#{1,6} (.*)$/gm)) {
    const text = title!.replaceAll(/\[([^\]]*)\]\([^)]*\)/g, '$1').toLowerCase()
    const slug = text.replaceAll(/[^\p{L}\p{N}\s_-]/gu, '').replaceAll(' ', '-')
    let anchor = slug
    for (let i = 1; anchors.has(anchor); i++) anchor = `${slug}-${i}`
    anchors.add(anchor)
  }
  return anchors
}

function brokenLinksOf(path: string): string[] {
  const links = [...withoutBlocks(pageOf(path)).matchAll(/\]\((?!\w+:)([^)\s]*)\)/g)].map(([, link]) => link!)
  return links.filter((link) => {
    const [file, anchor] = link.split('#') as [string, string?]
    const target = file === '' ? path : normalize(join(dirname(path), file))
    if (!paths.has(target.replace(/\/$/, ''))) return true
    return anchor !== undefined && !anchorsOf(pageOf(target)).has(anchor)
  })
}

/** Paths that begin with a folder of ours, wherever they stand, and names of sources in backticks. */
function missingFilesOf(path: string): string[] {
  const page = pageOf(path)
  const below = [...page.matchAll(new RegExp(`(?<![\\w./@-])(?:${folders.join('|')})/[\\w./-]*`, 'g'))]
    .map(([found]) => found.replace(/[./]+$/, ''))
    .filter((found) => !paths.has(found))
  const bare = [...withoutBlocks(page).matchAll(/`([\w.-]+\.(?:ts|mjs|wasm|c))`/g)]
    .map(([, name]) => name!)
    .filter((name) => !names.has(name) && !name.endsWith('.wasm'))
  return [...below, ...bare]
}

describe.each(pages)('%s', (path) => {
  it('has links that lead somewhere, to the heading', () => {
    expect(brokenLinksOf(path)).toEqual([])
  })

  it('names files that are there', () => {
    expect(missingFilesOf(path)).toEqual([])
  })

  it('names scripts that are there', () => {
    const { scripts } = JSON.parse(pageOf('package.json'))
    const named = [...pageOf(path).matchAll(/npm run ([\w:-]+)/g)].map(([, name]) => name!)
    expect(named.filter((name) => scripts[name] === undefined)).toEqual([])
  })
})

it('every page of docs is linked from the README', () => {
  const linked = new Set([...pageOf('README.md').matchAll(/\]\((docs\/[\w-]+\.md)/g)].map(([, link]) => link))
  expect(pages.filter((path) => path.startsWith('docs/') && !linked.has(path))).toEqual([])
})

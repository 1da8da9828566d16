import { readdirSync, readFileSync } from 'node:fs'
import { dirname, join, relative } from 'node:path'
import { fileURLToPath } from 'node:url'
import { describe, expect, it } from 'vitest'

// The house as docs/ARCHITECTURE.md draws it: who may import whom, and what may stand where.

const root = fileURLToPath(new URL('../..', import.meta.url))

function sourcesIn(folder: string): string[] {
  return readdirSync(join(root, folder), { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile() && entry.name.endsWith('.ts'))
    .map((entry) => relative(root, join(entry.parentPath, entry.name)))
}

function textOf(file: string): string {
  return readFileSync(join(root, file), 'utf8')
}

/** What a file imports: paths from the root, or bare names. */
function importsOf(file: string): string[] {
  return [...textOf(file).matchAll(/^(?:import|export)[^'"]*?from\s+'([^']+)'|^import\s+'([^']+)'/gms)].map(
    ([, from, bare]) => {
      const name = (from ?? bare)!
      return name.startsWith('.') ? relative(root, join(root, dirname(file), name)) : name
    },
  )
}

function layerOf(path: string, layers: readonly string[]): string | undefined {
  return layers.find((layer) => path === `${layer}.ts` || path.startsWith(`${layer}/`) || path === layer)
}

/** From each layer, the layers that it may import from (and itself). */
function check(folder: string, allowed: Record<string, readonly string[]>): string[] {
  const layers = Object.keys(allowed)
  const wrong: string[] = []
  for (const file of sourcesIn(folder)) {
    const from = layerOf(file, layers)
    if (from === undefined) wrong.push(`${file} belongs to no layer`)
    else {
      for (const target of importsOf(file)) {
        const to = target.startsWith('node:') ? 'node:' : (layerOf(target, layers) ?? target)
        if (to !== from && !allowed[from]!.includes(to)) wrong.push(`${file} imports ${target}`)
      }
    }
  }
  return wrong
}

describe('the house', () => {
  it('has arrows one way in src', () => {
    const peers = Object.keys(JSON.parse(textOf('package.json')).peerDependencies)
    const allowed = {
      'src/core': [],
      'src/sim/gudp': ['src/sim', 'src/net', 'src/core', 'src/ports'],
      'src/sim': ['src/net', 'src/ports'],
      'src/ports': [],
      'src/index': ['src/core'],
      'src/net': ['src/core', 'src/ports'],
      'src/node': ['src/net', 'src/core', 'src/ports', 'src/index', 'node:'],
      'src/integrations': ['src/node', 'src/net', 'src/core', 'src/ports', 'src/index', 'node:', ...peers],
      'src/cli': ['src/integrations', 'src/node', 'src/net', 'src/core', 'src/index', 'node:'],
    }
    expect(check('src', allowed)).toEqual([])
  })

  it('lets pages take nothing but types from src, and the simulator what runs there, too', () => {
    for (const file of sourcesIn('web')) {
      const mayNot = file.startsWith('web/sim/') ? 'src/(?!sim/)' : 'src/'
      const values = new RegExp(`^import (?!type )[^']*'(\\.\\./)+${mayNot}`, 'm')
      expect(textOf(file), file).not.toMatch(values)
    }
  })

  it('has arrows one way in assembly, with the one knot that is drawn', () => {
    const base = ['assembly/atomics', 'assembly/codes', 'assembly/layout']
    const allowed = {
      'assembly/atomics': [],
      'assembly/codes': [],
      'assembly/layout': [],
      'assembly/region/reaper': [
        ...base,
        'assembly/region',
        'assembly/diode/descriptor',
        'assembly/diode/roles',
      ],
      'assembly/region': [...base, 'assembly/region/reaper', 'assembly/sync/bell'],
      'assembly/sync/bell': base,
      'assembly/sync': [...base, 'assembly/region', 'assembly/sync/bell'],
      'assembly/ring': base,
      'assembly/diode/descriptor': base,
      'assembly/diode/roles': [
        ...base,
        'assembly/region',
        'assembly/sync',
        'assembly/sync/bell',
        'assembly/diode/descriptor',
      ],
      'assembly/diode': [
        ...base,
        'assembly/region',
        'assembly/sync',
        'assembly/sync/bell',
        'assembly/diode/descriptor',
        'assembly/diode/roles',
      ],
      'assembly/framing/newline': [],
      'assembly/framing': [
        ...base,
        'assembly/framing/newline',
        'assembly/region',
        'assembly/diode',
        'assembly/diode/descriptor',
      ],
      'assembly/outlet': [...base, 'assembly/framing/newline', 'assembly/region', 'assembly/diode'],
      'assembly/sockets/index': [
        ...base,
        'assembly/region',
        'assembly/ring',
        'assembly/sockets',
        'assembly/sockets/codes',
        'assembly/sockets/descriptor',
        'assembly/sockets/hub',
      ],
      'assembly/sockets/codes': [],
      'assembly/sockets/descriptor': [...base, 'assembly/region', 'assembly/ring'],
      'assembly/sockets/hub': [
        ...base,
        'assembly/region',
        'assembly/sync/bell',
        'assembly/sockets/codes',
        'assembly/sockets/descriptor',
      ],
      'assembly/sockets': [
        ...base,
        'assembly/region',
        'assembly/ring',
        'assembly/sync/bell',
        'assembly/sockets/codes',
        'assembly/sockets/descriptor',
        'assembly/sockets/hub',
      ],
      'assembly/gudp': [
        ...base,
        'assembly/region',
        'assembly/sync',
        'assembly/sync/bell',
        'assembly/sockets/codes',
        'assembly/sockets/descriptor',
        'assembly/sockets/hub',
      ],
      'assembly/names': ['assembly/layout', 'assembly/region', 'assembly/sync', 'assembly/diode/descriptor'],
      'assembly/sockets/names': ['assembly/layout', 'assembly/region', 'assembly/sockets/descriptor'],
      'assembly/gudp/names': ['assembly/region'],
      'assembly/index': [
        ...base,
        'assembly/framing',
        'assembly/outlet',
        'assembly/region',
        'assembly/sync',
        'assembly/diode',
        'assembly/diode/descriptor',
      ],
    }
    expect(check('assembly', allowed)).toEqual([])
  })

  it('touches shared memory atomically in one file only', () => {
    const others = sourcesIn('assembly').filter((file) => file !== 'assembly/atomics.ts')
    expect(others.filter((file) => /\batomic\.\w+[<(]/.test(textOf(file)))).toEqual([])
  })

  it('keeps out of the core what would be static data', () => {
    for (const file of sourcesIn('assembly')) {
      const code = textOf(file).replace(/\/\/.*|\/\*[\s\S]*?\*\//g, '')
      expect(code, file).not.toMatch(/\bthrow\b|\bassert\(|\bnew \w|^(?:export )?let |memory\.data\(/m)
    }
  })

  it('imports nothing in assembly that it does not use, which no linter looks at there', () => {
    const unused = sourcesIn('assembly').flatMap((file) => {
      const text = textOf(file).replace(/\/\/.*|\/\*[\s\S]*?\*\//g, '')
      const imports = [...text.matchAll(/^import \{([^}]*)\} from '[^']*'$/gm)]
      const body = text.replace(/^import \{[^}]*\} from '[^']*'$/gm, '')
      const names = imports.flatMap(([, list]) => list!.split(',').map((name) => name.trim()))
      return names
        .filter((name) => name && !new RegExp(`\\b${name}\\b`).test(body))
        .map((name) => `${file}: ${name}`)
    })
    expect(unused).toEqual([])
  })

  it('has no dependency at run time but those that an integration adapts to, all of them optional', () => {
    const manifest = JSON.parse(textOf('package.json'))
    expect(manifest.dependencies ?? {}).toEqual({})
    for (const name of Object.keys(manifest.peerDependencies))
      expect(manifest.peerDependenciesMeta[name]).toEqual({ optional: true })
  })
})

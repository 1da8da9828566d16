// `npm run release:check`: whether this tree can be published as the version that package.json says, and the notes for it.
import { execFileSync } from 'node:child_process'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath, pathToFileURL } from 'node:url'

const root = fileURLToPath(new URL('..', import.meta.url))

/**
 * The part of a changelog under the heading of a version.
 *
 * @param {string} changelog
 * @param {string} version
 * @returns {string | undefined}
 */
export function notesOf(changelog, version) {
  const parts = changelog.split(/^## /m).slice(1)
  const part = parts.find((text) => text.split('\n', 1)[0].split(' ')[0] === version)
  return part?.slice(part.indexOf('\n') + 1).trim()
}

/**
 * What is in the way of a release; nothing: it can be made.
 *
 * @param {{ version: string, jsrVersion: string, changelog: string, changed: string, tags: string }} tree
 * @returns {string[]}
 */
export function problemsOf({ version, jsrVersion, changelog, changed, tags }) {
  const notes = notesOf(changelog, version)
  return [
    ...(jsrVersion === version
      ? []
      : [`jsr.json says ${jsrVersion}, package.json ${version}: make them the same`]),
    ...(notes
      ? []
      : [`CHANGELOG.md has no notes under "## ${version}": rename "Unreleased", and add the date`]),
    ...(changed.trim() === '' ? [] : [`there are changes that are not committed:\n${changed.trimEnd()}`]),
    ...(tags.split('\n').includes(`v${version}`)
      ? [`the tag v${version} is there already: raise the version`]
      : []),
  ]
}

if (import.meta.url === pathToFileURL(process.argv[1] ?? '').href) {
  const text = (file) => readFileSync(join(root, file), 'utf8')
  const git = (...args) => execFileSync('git', args, { cwd: root, encoding: 'utf8' })
  const { version } = JSON.parse(text('package.json'))
  const changelog = text('CHANGELOG.md')
  const problems = problemsOf({
    version,
    jsrVersion: JSON.parse(text('jsr.json')).version,
    changelog,
    changed: git('status', '--porcelain'),
    tags: git('tag'),
  })
  if (problems.length === 0) console.log(notesOf(changelog, version))
  for (const problem of problems) console.error(problem)
  process.exitCode = problems.length === 0 ? 0 : 1
}

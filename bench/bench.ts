// SPDX-License-Identifier: Apache-2.0
// npm run bench: the promises of SPECIFICATION.md beside what they are measured against, in one run.
import { writeFileSync } from 'node:fs'
import { buildLimit } from './host/build-limit.host.ts'
import { buildServer } from './host/build-server.host.ts'
import { makeScratch } from './host/scratch.host.ts'
import { type BenchOptions, readOptions, USAGE } from './options.ts'
import { printProfile } from './profile/print-profile.ts'
import { load, readEnvironment } from './report/environment.host.ts'
import { jsonReport } from './report/json-report.ts'
import { HEADER, NUMERIC } from './report/row-lines.ts'
import { renderTable } from './report/table.ts'
import type { BenchPlace } from './rows/place.ts'
import type { Row } from './rows/row.ts'
import { rows } from './rows/rows.ts'
import { profileRow } from './profile/profile-row.ts'
import { type MeasuredRow, measureRow } from './rows/measure-row.ts'
import { seededRandom } from './statistics/random.ts'

await main()

async function main(): Promise<void> {
  try {
    const options = readOptions(
      process.argv.slice(2),
      rows.map((row) => row.id),
    )
    if (options.help) return console.log(USAGE)
    await bench(options)
  } catch (error) {
    console.error(`bench: ${error instanceof Error ? error.message : String(error)}`)
    process.exitCode = 1
  }
}

async function bench(options: BenchOptions): Promise<void> {
  const environment = readEnvironment()
  const scratch = makeScratch()
  try {
    const place: BenchPlace = {
      limitProgram: buildLimit(),
      serverProgram: await buildServer(),
      scratch: scratch.directory,
      effort: options.effort,
      say: progressLine,
      signal: interruption(),
    }
    const measured: MeasuredRow[] = []
    for (const row of chosenRows(options)) {
      measured.push(await measureRow(row, place, seededRandom(options.seed)))
    }
    place.say('')
    const loads = { loadBefore: environment.loadBefore, loadAfter: load() }
    console.log(
      `${renderTable(
        HEADER,
        measured.flatMap((row) => row.lines),
        NUMERIC,
      )}\n`,
    )
    console.log(footer(options, loads))
    if (options.profile) printProfile(measured)
    if (options.jsonFile !== undefined)
      writeFileSync(options.jsonFile, jsonReport(options, { ...environment, ...loads }, measured))
  } finally {
    scratch.remove()
  }
}

function interruption(): AbortSignal {
  const controller = new AbortController()
  process.once('SIGINT', () => controller.abort(new Error('interrupted')))
  return controller.signal
}

function chosenRows({ only, profile }: BenchOptions): readonly Row[] {
  const chosen = rows.filter(({ id }) => only.length === 0 || only.includes(id))
  return profile ? [...chosen, profileRow] : chosen
}

function footer(
  { effort, seed }: BenchOptions,
  { loadBefore, loadAfter }: { loadBefore: number; loadAfter: number },
): string {
  const size = effort === 'quick' ? ' Quick run: to see that it works, not to quote.' : ''
  return [
    `All that is compared ran in turns in this run, in a new random order each round (seed ${seed}); medians are divided,`,
    'with the interval that resampling gives 95 times in 100. CPU/op counts every process of a participant, client, teardown and',
    `refilled pool included. Nothing is trimmed. Load ${loadBefore.toFixed(2)} before, ${loadAfter.toFixed(2)} after.${size}`,
  ].join('\n')
}

/** What goes on now, on a terminal only; an empty one clears it. */
function progressLine(text: string): void {
  if (process.stderr.isTTY) process.stderr.write(`\r\x1b[2K${text}`)
}

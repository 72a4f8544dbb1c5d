/**
 * Makes src/api/schema.d.ts from the API's OpenAPI document, given on standard input:
 *   python -m vantage_api.openapi | node dev/api-types.mjs [--check]
 * --check writes nothing and fails when the file is not what the document makes. Refusals have one shape, so they
 * are left out, and so is CSV: programs ask for that.
 */
import { readFile, writeFile } from 'node:fs/promises';
import { fileURLToPath } from 'node:url';
import { text } from 'node:stream/consumers';
import openapiTS, { astToString } from 'openapi-typescript';

const FILE = fileURLToPath(new URL('../src/api/schema.d.ts', import.meta.url));

const inJson = ([status, { content, ...rest }]) => [status, content?.['application/json'] ? { ...rest, content: { 'application/json': content['application/json'] } } : rest];

const document = JSON.parse(await text(process.stdin));
for (const path of Object.values(document.paths))
  for (const operation of Object.values(path))
    operation.responses = Object.fromEntries(Object.entries(operation.responses).filter(([status]) => Number(status) < 300).map(inJson));

const made = `/** Made by dev/api-types.mjs from the OpenAPI document of the query API. Do not edit. */\n${astToString(await openapiTS(document, { alphabetize: true }))}`;
if (!process.argv.includes('--check')) await writeFile(FILE, made);
else if ((await readFile(FILE, 'utf8').catch(() => '')) !== made) {
  console.error('src/api/schema.d.ts is not what the API says today: run make api-types');
  process.exit(1);
}

// Calls methods of the client: one JSON line [name, …arguments] in, one JSON line out.
import { createInterface } from "node:readline";

const [module, url, options] = process.argv.slice(2);
const { AttuneClient, AttuneClientError } = await import(module);
const client = new AttuneClient(url, JSON.parse(options));
for await (const line of createInterface({ input: process.stdin })) {
  const [name, ...given] = JSON.parse(line);
  let outcome;
  try {
    outcome = { answer: await client[name](...given) };
  } catch (error) {
    if (!(error instanceof AttuneClientError)) throw error;
    outcome = { status: error.status, problem: error.problem };
  }
  console.log(JSON.stringify(outcome));
}

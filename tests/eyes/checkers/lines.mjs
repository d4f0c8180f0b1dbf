// The protocol of the checkers: one body a line, each as a JSON string; one line back for each, with its faults.
import { createInterface } from "node:readline";

export async function answer(faultsOf) {
  for await (const line of createInterface({ input: process.stdin })) {
    process.stdout.write(JSON.stringify(faultsOf(JSON.parse(line))) + "\n");
  }
}

// npm `fhir` (Lantana) as a checker: required codes, reference targets, unknown and missing elements.
import fhir from "fhir";
import { answer } from "./lines.mjs";

const checker = new fhir.Fhir();
const FAULTS = new Set(["fatal", "error"]);

await answer((body) =>
  checker
    .validate(JSON.parse(body))
    .messages.filter((found) => FAULTS.has(found.severity))
    .map((found) => `${found.location}: ${found.message}`),
);

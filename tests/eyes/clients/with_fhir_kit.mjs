// fhir-kit-client: signs in with its own RS384 signature, refers in a transaction, searches compartments, patches.
import assert from "node:assert/strict";
import { createPrivateKey, randomUUID, sign } from "node:crypto";
import { text } from "node:stream/consumers";
import { Client } from "fhir-kit-client";

const PATIENCE = 30_000;
const errand = JSON.parse(await text(process.stdin));
const client = new Client({ baseUrl: errand.fhir });

const say = (done) => console.log(`done: ${done}`);
const codeOf = (task) => task.businessStatus.coding[0].code;
const resourcesIn = (bundle) => (bundle.entry ?? []).map((entry) => entry.resource);
const etagOf = (resource) => Client.httpFor(resource).response.headers.get("etag");

function assertion(audience) {
  const encode = (part) => Buffer.from(JSON.stringify(part)).toString("base64url");
  const now = Math.floor(Date.now() / 1000);
  const who = { iss: errand.client_id, sub: errand.client_id, aud: audience };
  const claims = encode({ ...who, exp: now + 240, jti: randomUUID() });
  const signed = `${encode({ alg: "RS384", kid: errand.key.kid, typ: "JWT" })}.${claims}`;
  const key = createPrivateKey({ key: errand.key, format: "jwk" });
  return `${signed}.${sign("sha384", Buffer.from(signed), key).toString("base64url")}`;
}

async function refused(status, request) {
  await assert.rejects(request, (error) => {
    assert.equal(error.response.status, status);
    assert.equal(error.response.data.resourceType, "OperationOutcome");
    return true;
  });
}

async function signsIn() {
  assert.equal((await client.capabilityStatement()).fhirVersion, "4.0.1");
  // Not smartAuthMetadata(): it takes whatever comes first, and a CapabilityStatement may name no token endpoint.
  const smart = await client.request(".well-known/smart-configuration");
  assert.ok(smart.token_endpoint_auth_signing_alg_values_supported.includes("RS384"));
  const body = new URLSearchParams({
    grant_type: "client_credentials",
    client_assertion_type: "urn:ietf:params:oauth:client-assertion-type:jwt-bearer",
    client_assertion: assertion(smart.token_endpoint),
    scope: errand.scope,
  });
  const answer = await fetch(smart.token_endpoint, { method: "POST", body });
  assert.equal(answer.status, 200);
  client.bearerToken = (await answer.json()).access_token;
  say("discovers and signs in");
}

async function refersInATransaction() {
  const entry = errand.patients.flatMap((patient, place) => {
    const fullUrl = `urn:uuid:${randomUUID()}`;
    const referral = { ...errand.referrals[place], subject: { reference: fullUrl } };
    return [
      { fullUrl, resource: patient, request: { method: "POST", url: "Patient" } },
      {
        fullUrl: `urn:uuid:${randomUUID()}`,
        resource: referral,
        request: { method: "POST", url: "ServiceRequest" },
      },
    ];
  });
  const body = { resourceType: "Bundle", type: "transaction", entry };
  const answer = await client.transaction({ body });
  assert.equal(answer.type, "transaction-response");
  assert.ok(answer.entry.every((each) => each.response.status.startsWith("201")));
  const places = answer.entry.map((each) => /(\w+)\/([^/]+)(\/_history\/\d+)?$/.exec(each.response.location));
  const idsOf = (type) => places.filter((place) => place[1] === type).map((place) => place[2]);
  say("refers in a transaction");
  return { patients: idsOf("Patient"), referrals: idsOf("ServiceRequest") };
}

async function readsAndSearches({ patients, referrals }) {
  const resourceType = "ServiceRequest";
  const [id] = referrals;
  const patient = `Patient/${patients[0]}`;
  const read = await client.read({ resourceType, id });
  assert.equal(etagOf(read), `W/"${read.meta.versionId}"`);
  assert.ok(read.subject.reference.endsWith(patient));
  assert.equal((await client.vread({ resourceType, id, version: "1" })).meta.versionId, "1");
  for (const options of [{}, { postSearch: true }]) {
    const found = await client.search({ resourceType, searchParams: { patient }, options });
    assert.deepEqual(resourcesIn(found).map((each) => each.id), [id]);
  }
  const searchParams = { _id: referrals.join(","), _count: 1, _sort: "_lastUpdated" };
  const seen = [];
  let bundle = await client.search({ resourceType, searchParams });
  for (; bundle; bundle = await client.nextPage({ bundle })) seen.push(...resourcesIn(bundle));
  assert.deepEqual(new Set(seen.map((each) => each.id)), new Set(referrals));
  assert.equal(seen.length, referrals.length);
  await refused(404, client.read({ resourceType, id: randomUUID() }));
  say("reads, searches and pages");
}

async function batches({ patients }) {
  const entry = [`Patient/${patients[0]}`, `ServiceRequest/${randomUUID()}`].map((url) => ({
    request: { method: "GET", url },
  }));
  const answer = await client.batch({ body: { resourceType: "Bundle", type: "batch", entry } });
  assert.deepEqual(answer.entry.map((each) => each.response.status.slice(0, 3)), ["200", "404"]);
  say("reads in a batch");
}

async function looksIntoTheCompartment({ patients, referrals }) {
  const compartment = { resourceType: "Patient", id: patients[0] };
  const tasks = await client.search({ resourceType: "Task", compartment });
  const focus = `ServiceRequest/${referrals[0]}`;
  assert.ok(resourcesIn(tasks).some((task) => task.focus.reference.endsWith(focus)));
  say("looks into the patient's compartment");
}

async function taskOf(id) {
  const searchParams = { focus: `ServiceRequest/${id}` };
  const tasks = resourcesIn(await client.search({ resourceType: "Task", searchParams }));
  assert.equal(tasks.length, 1);
  return tasks[0];
}

async function followsTheTask(id) {
  const deadline = Date.now() + PATIENCE;
  while (codeOf(await taskOf(id)) !== "invitation-sent") {
    assert.ok(Date.now() < deadline, "the invitation did not come");
    await new Promise((resolve) => setTimeout(resolve, 200));
  }
  say("follows the task");
}

async function updates(id) {
  const resourceType = "ServiceRequest";
  const read = await client.read({ resourceType, id });
  const options = { headers: { "If-Match": etagOf(read) } };
  const body = { ...read, note: [{ text: "Please call in the morning." }] };
  const updated = await client.update({ resourceType, id, body, options });
  assert.deepEqual(updated.note, body.note);
  await refused(412, client.update({ resourceType, id, body, options }));
  const jsonPatch = [{ op: "add", path: "/note/-", value: { text: "Or after six." } }];
  const patched = await client.patch({ resourceType, id, jsonPatch });
  assert.equal(patched.note.length, 2);
  say("updates and patches, and is stopped from overwriting");
}

async function readsHistory(id) {
  const history = await client.history({ resourceType: "ServiceRequest", id });
  const versions = resourcesIn(history).map((each) => Number(each.meta.versionId));
  assert.equal(history.type, "history");
  assert.deepEqual(versions, [...versions].sort((a, b) => b - a));
  assert.equal(versions.at(-1), 1);
  say("reads the history");
}

async function validates(patientId) {
  const validate = async (more) => {
    const subject = { reference: `Patient/${patientId}` };
    const resource = { ...errand.referrals[0], subject, ...more };
    const input = { resourceType: "Parameters", parameter: [{ name: "resource", resource }] };
    const answer = await client.operation({ name: "$validate", resourceType: "ServiceRequest", input });
    return answer.issue.filter((issue) => ["fatal", "error"].includes(issue.severity));
  };
  assert.deepEqual(await validate({}), []);
  assert.notDeepEqual(await validate({ status: "bogus" }), []);
  say("validates");
}

async function withdraws(id) {
  const resourceType = "ServiceRequest";
  const body = { ...(await client.read({ resourceType, id })), status: "revoked" };
  assert.equal((await client.update({ resourceType, id, body })).status, "revoked");
  assert.equal((await taskOf(id)).status, "cancelled");
  say("withdraws");
}

await signsIn();
const made = await refersInATransaction();
// From then on nothing moves by itself while pages are turned.
for (const id of made.referrals) await followsTheTask(id);
await readsAndSearches(made);
await batches(made);
await looksIntoTheCompartment(made);
await updates(made.referrals[0]);
await readsHistory(made.referrals[0]);
await validates(made.patients[0]);
await withdraws(made.referrals[0]);

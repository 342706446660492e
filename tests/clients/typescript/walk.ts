// From the report to the confirmation, through the client that is generated from docs/openapi.yaml.
import createClient from "openapi-fetch";
import type { components, paths } from "./api.js";

declare const process: { env: Record<string, string | undefined> };

type Moved = components["schemas"]["Moved"];

function client(token: string | undefined) {
  return createClient<paths>({
    baseUrl: process.env.LINLI ?? "",
    headers: { Authorization: `Bearer ${token}` },
  });
}

function expected<T>(answer: { data?: T; error?: unknown; response: Response }): T {
  if (answer.data === undefined) {
    throw new Error(`${answer.response.status} ${JSON.stringify(answer.error)}`);
  }
  return answer.data;
}

const resident = client(process.env.RESIDENT);
const dispatcher = client(process.env.DISPATCHER);

const me = expected(await resident.GET("/api/v1/me"));
const compound = me.homes[0]?.compound.id;
if (compound === undefined) throw new Error("The resident has no home.");

// Only what must be said is said.
const filing = await resident.POST("/api/v1/tickets", { body: { category: "CL07", compound, text: "楼道里有蟑螂。" } });
const filed = expected(filing);
let etag = filing.response.headers.get("ETag") ?? "";
// The client takes gzipped answers, whose ETags are weak ones.
if (etag.replace(/^W\//, "") !== `"${filed.version}"`) throw new Error(`${etag} is not the version ${filed.version}.`);

function moved(answer: { data?: Moved; error?: unknown; response: Response }): Moved {
  const made = expected(answer);
  etag = answer.response.headers.get("ETag") ?? "";
  return made;
}
const here = () => ({ path: { ticket_id: filed.id }, header: { "If-Match": etag } });

moved(await dispatcher.POST("/api/v1/tickets/{ticket_id}/moves/sign", { params: here(), body: {} }));
moved(
  await dispatcher.POST("/api/v1/tickets/{ticket_id}/moves/contact", { params: here(), body: { result: "reached" } }),
);
moved(await dispatcher.POST("/api/v1/tickets/{ticket_id}/moves/reply", { params: here(), body: { result: "已消杀。" } }));
moved(
  await resident.POST("/api/v1/tickets/{ticket_id}/moves/confirm", {
    params: here(),
    body: { resolved: true, rating: 5 },
  }),
);

const ticket = expected(
  await resident.GET("/api/v1/tickets/{ticket_id}", { params: { path: { ticket_id: filed.id } } }),
);
const page = expected(await resident.GET("/api/v1/tickets", { params: { query: { limit: 1 } } }));
console.log(JSON.stringify({ id: ticket.id, state: ticket.state, rating: ticket.rating, newest: page.results[0]?.id }));

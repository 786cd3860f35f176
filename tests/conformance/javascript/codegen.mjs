// Generate TypeScript from the schema at argv[2] and the operations at argv[3] into argv[4], as GraphQL Code Generator's
// command does, whose packages would be four times as many.
import { readFile, writeFile } from "node:fs/promises";
import { codegen } from "@graphql-codegen/core";
import * as typescript from "@graphql-codegen/typescript";
import * as operations from "@graphql-codegen/typescript-operations";
import { parse } from "graphql";

const [schema, documents, filename] = process.argv.slice(2);
const read = async (path) => parse(await readFile(path, "utf8"));
const scalars = { BigInt: "number", DateTime: "string", JSON: "Record<string, unknown>", URL: "string" };
const output = await codegen({
  filename,
  schema: await read(schema),
  documents: [{ location: documents, document: await read(documents) }],
  config: { scalars, strictScalars: true, nonOptionalTypename: true, enumsAsConst: true },
  plugins: [{ typescript: {} }, { operations: {} }],
  pluginMap: { typescript, operations },
});
await writeFile(filename, output);

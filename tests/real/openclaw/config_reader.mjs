// Reads configurations with OpenClaw's own reader: a path a line in, its validity a line out.
import { createInterface } from "node:readline";
import { readConfigFileSnapshotForWrite } from "openclaw/plugin-sdk/config-runtime";

for await (const path of createInterface({ input: process.stdin })) {
  process.env.OPENCLAW_CONFIG_PATH = path;
  const { snapshot } = await readConfigFileSnapshotForWrite();
  console.log(JSON.stringify({ valid: snapshot.valid, issues: snapshot.issues }));
}

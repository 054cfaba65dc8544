// Send one message with nodemailer; standard input has the delivery as JSON, as conftest.py writes it.

const path = require("node:path");
const nodemailer = require(path.resolve(process.argv[2], "node_modules/nodemailer"));

function signIn({ user, secret, mechanism }) {
  return mechanism === "XOAUTH2"
    ? { auth: { type: "OAuth2", user, accessToken: secret } }
    : { auth: { user, pass: secret }, authMethod: mechanism };
}

function transport(delivery) {
  return nodemailer.createTransport({
    host: delivery.host,
    port: delivery.port,
    name: "me",
    secure: delivery.tls === "implicit",
    requireTLS: delivery.tls === "starttls",
    ignoreTLS: delivery.tls === null,
    tls: { ca: delivery.authority },
    ...(delivery.mechanism === null ? {} : signIn(delivery)),
  });
}

async function main() {
  let text = "";
  for await (const part of process.stdin) text += part;
  const delivery = JSON.parse(text);
  await transport(delivery).sendMail({
    envelope: { from: delivery.sender, to: delivery.recipients },
    raw: Buffer.from(delivery.content, "base64"),
  });
}

main().catch((error) => {
  console.error(String(error));
  process.exit(1);
});

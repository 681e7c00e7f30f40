/** What a server sent and must not send; says what it was. It ends the link. */
export class Malformed extends Error {
  override readonly name = "Malformed";
}

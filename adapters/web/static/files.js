// The sorts of files that commands take. Pure.

/** What each type of parameter is called; the types that are not here are typed. */
export const NOUNS = { image: "a picture", mask: "a picture", video: "a video", audio: "a sound", file: "a file" };

/** Whether a parameter is a file. */
export function isFile({ type }) {
  return type in NOUNS;
}

/** `image`, `video`, `audio`, `file` for any, or "" if that is not known: of a parameter, a file, or a card's output. */
export function sortOf({ type = "", media_type: mediaType = type }) {
  const sort = mediaType.split("/")[0];
  if (sort === "mask") return "image";
  return ["image", "video", "audio", "file"].includes(sort) ? sort : "";
}

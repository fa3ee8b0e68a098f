// Says that the last try was wrong. A classic script: it is all that may be fetched without a token.

if (new URLSearchParams(location.search).has("wrong")) {
  const wrong = document.getElementById("wrong");
  wrong.hidden = false;
  wrong.textContent = "That is not the token. Try again.";
  document.getElementById("token").setAttribute("aria-invalid", "true");
}

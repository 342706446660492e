// A passkey that was not used, because the person gave up or the browser refused, is said on the page.
document.addEventListener("allauth.error", (event) => {
  event.preventDefault();
  document.getElementById("passkey-problem").hidden = false;
});

"use strict";
// Only the language: #ko or #en in the address, else the reader's own.
const root = document.documentElement;
const wanted = location.hash.slice(1) || navigator.language || "en";
root.lang = wanted.toLowerCase().startsWith("ko") ? "ko" : "en";
document.getElementById("language").addEventListener("click", () => {
  root.lang = root.lang === "ko" ? "en" : "ko";
});

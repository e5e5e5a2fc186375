"use strict";
// Everything that comes from outside is written by textContent: it is never read as HTML.

const WORDS = {
  en: {
    other: "한국어", language: "Show this page in Korean", summary: "Summary", queues: "Queues", agents: "Agents",
    waiting: "Waiting", longest: "Longest wait", talking: "In progress", level: "Service level",
    estimate: "Estimated wait", atMost: "at most {0}",
    answered: "Answered", abandoned: "Abandoned", overflowed: "Overflowed", offered: "Offered",
    callbacks: "To call back", closed: "Closed", name: "Name", state: "State", queue: "Queue", since: "For", within: "{1} in {0}\u00a0s", none: "–",
    draining: "Draining: no new calls", starting: "Starting",
    lost: "No answer from Cordboard since {0}: what you see is old.",
    noQueues: "No queue is configured.", noAgents: "No agent is configured.",
    idle: "Ready", backing_off: "Pausing", reserved: "Ringing", calling_back: "Calling back", handling: "In conversation",
    after_call_work: "After-call work", interrupted: "Interrupted", occupied: "Busy", unreachable: "No phone", not_ready: "Not ready", logged_out: "Logged out",
    inHand: "In hand", channels: { voice: "Voice" },
    reasons: { missed: "missed calls", other: "other" },
  },
  ko: {
    other: "English", language: "이 화면을 영어로 보기", summary: "요약", queues: "대기열", agents: "상담원",
    waiting: "대기", longest: "최장 대기", talking: "통화 중", level: "서비스 레벨",
    estimate: "예상 대기", atMost: "최대 {0}",
    answered: "응답", abandoned: "포기", overflowed: "넘침", offered: "인입",
    callbacks: "콜백 대기", closed: "운영 종료", name: "이름", state: "상태", queue: "대기열", since: "경과", within: "{0}초 이내 {1}", none: "–",
    draining: "종료 준비 중: 새 통화를 받지 않음", starting: "시작 중",
    lost: "{0}부터 Cordboard 응답 없음: 화면의 수치는 이전 값입니다.",
    noQueues: "설정된 대기열이 없습니다.", noAgents: "설정된 상담원이 없습니다.",
    idle: "통화 가능", backing_off: "일시 제외", reserved: "호출 중", calling_back: "고객 호출 중", handling: "상담 중",
    after_call_work: "후처리", interrupted: "중단", occupied: "다른 업무", unreachable: "전화 연결 안 됨", not_ready: "이석", logged_out: "로그아웃",
    inHand: "동시 처리", channels: { voice: "음성" },
    reasons: { missed: "미응답", other: "기타" },
  },
};
const STATES = ["idle", "reserved", "calling_back", "handling", "after_call_work", "backing_off", "occupied", "unreachable", "not_ready", "logged_out"];
/** What one of several interactions in hand can be. */
const WORK_STATES = ["reserved", "calling_back", "handling", "interrupted", "after_call_work"];
const REFRESH_MS = 1000;
const PATIENCE_MS = 4000;

let language = pickLanguage();
let board = null;
let heard = performance.now();
let heardAt = new Date();

function pickLanguage() {
  let kept = null;
  try { kept = localStorage.getItem("language"); } catch { /* storage may be forbidden */ }
  const wanted = kept || document.documentElement.lang;
  return Object.hasOwn(WORDS, wanted) ? wanted : "en";
}

function word(key, ...values) {
  const text = WORDS[language][key] ?? key;
  return values.reduce((text, value, index) => text.replace(`{${index}}`, value), text);
}

function element(name, className, ...children) {
  const node = document.createElement(name);
  if (className) node.className = className;
  node.append(...children.map((child) => (child instanceof Node ? child : String(child))));
  return node;
}

const two = (number) => String(number).padStart(2, "0");
const count = (number) => number.toLocaleString(language);
const timeOfDay = (date) => [date.getHours(), date.getMinutes(), date.getSeconds()].map(two).join(":");

/** Why an agent is not ready: the product's own reasons in the reader's language, the centre's as written. */
function reasonWord(reason) {
  const own = WORDS[language].reasons;
  return Object.hasOwn(own, reason) ? own[reason] : reason;
}

function duration(seconds) {
  if (seconds === null || seconds === undefined) return word("none");
  const whole = Math.max(0, Math.floor(seconds));
  const hours = Math.floor(whole / 3600);
  const rest = `${two(Math.floor((whole % 3600) / 60))}:${two(whole % 60)}`;
  return hours > 0 ? `${hours}:${rest}` : rest;
}

/** Rounded down: 100% is all of them, and a target that is missed by a hair does not look met. */
function percent(ratio) {
  return ratio === null || ratio === undefined ? word("none") : `${Math.floor(ratio * 100 + 1e-9)}%`;
}

function figure(label, value, className = "", note = "") {
  const labels = element("div", "label", label);
  if (note) labels.append(element("span", "", note));
  return element("div", "", element("div", `figure ${className}`, value), labels);
}

function mood(queue) {
  const level = queue.service_level;
  const longest = queue.longest_wait_seconds ?? 0;
  if (longest > 2 * level.within_seconds) return "bad";
  if (longest > level.within_seconds) return "warn";
  if (level.ratio !== null && level.target !== null && level.ratio < level.target) return "warn";
  return "";
}

function levelMood(level) {
  if (level.ratio === null || level.target === null) return "";
  return level.ratio >= level.target ? "good" : "is-bad";
}

function queueCard(queue) {
  const level = queue.service_level;
  const tone = mood(queue);
  const goal = word("within", level.within_seconds, percent(level.target));
  const serviceLevel = figure(word("level"), percent(level.ratio), levelMood(level), goal);
  const title = element("h3", "", queue.name);
  if (!queue.open) title.append(" ", element("span", "badge", word("closed")));
  if (queue.callbacks) title.append(" ", element("span", "badge", `${word("callbacks")} ${count(queue.callbacks)}`));
  return element("article", `card queue ${tone}`,
    title,
    element("div", "top",
      figure(word("waiting"), count(queue.waiting), tone && queue.waiting ? `is-${tone}` : ""),
      figure(word("longest"), duration(queue.longest_wait_seconds), tone && queue.waiting ? `is-${tone}` : ""),
      figure(word("estimate"), duration(queue.estimated_wait.seconds), "", atMost(queue.estimated_wait)),
      serviceLevel),
    element("div", "bottom",
      figure(word("talking"), count(queue.in_progress)),
      figure(word("answered"), count(queue.answered)),
      figure(word("abandoned"), count(queue.abandoned)),
      figure(word("overflowed"), count(queue.overflowed))));
}

/** What nine of ten do not exceed; nothing where there is no number, or where an agent is idle. */
function atMost(estimate) {
  if (estimate.seconds === null || estimate.method === "immediate") return "";
  return word("atMost", duration(estimate.at_most_seconds));
}

/** The name of a channel: the product's own in the reader's language, the centre's as written. */
function channelWord(channel) {
  const own = WORDS[language].channels;
  return Object.hasOwn(own, channel) ? own[channel] : channel;
}

function stateLine(state, note) {
  const known = STATES.includes(state) || WORK_STATES.includes(state);
  return element("div", "state", element("span", `dot ${known ? state : ""}`), element("span", "", word(state) + note));
}

/** Whoever has several interactions in hand has a row for each, what is in the foreground first. */
function agentRows(agent, showsInHand) {
  const reason = agent.reason ? ` (${reasonWord(agent.reason)})` : "";
  const lines = agent.works.length > 1 ? agent.works : [agent];
  const name = element("th", "", agent.name);
  name.scope = lines.length > 1 ? "rowgroup" : "row";
  const badges = agent.channels.map((one) =>
    element("span", "badge", `${channelWord(one.channel)} ${count(one.used)}/${count(one.capacity)}`));
  const inHand = element("td", "in-hand", ...badges.flatMap((badge) => [badge, " "]));
  name.rowSpan = inHand.rowSpan = lines.length;
  return lines.map((line, index) => element("tr", index < lines.length - 1 ? "and-more" : "",
    ...(index ? [] : [name]),
    element("td", "", stateLine(line.state, index ? "" : reason)),
    element("td", "", line.queue ?? ""),
    ...(showsInHand && !index ? [inHand] : []),
    element("td", "", duration(line.since_seconds))));
}

/** Whether an agent could have several interactions in hand, or has. */
function mayHaveSeveral(agent) {
  return agent.works.length > 1 || agent.channels.reduce((all, one) => all + one.capacity, 0) > 1;
}

function total(key) {
  return board.queues.reduce((all, queue) => all + queue[key], 0);
}

function sum(key) {
  return count(total(key));
}

/** Callers on the line, of whom one may wait in several queues. */
function waiting() {
  return count(Math.max(0, board.calls - total("in_progress") - total("callbacks")));
}

function summary() {
  const waits = board.queues.map((queue) => queue.longest_wait_seconds).filter((wait) => wait !== null);
  return [
    [word("waiting"), waiting()],
    [word("longest"), waits.length ? duration(Math.max(...waits)) : word("none")],
    [word("talking"), sum("in_progress")],
    [word("answered"), sum("answered")],
    [word("abandoned"), sum("abandoned")],
    [word("idle"), count(board.agents.filter((agent) => agent.state === "idle").length)],
  ].map(([label, value]) => {
    return element("div", "card", figure(label, value));
  });
}

function put(id, ...children) {
  document.getElementById(id).replaceChildren(...children);
}

/** Writes only what is new, so that a screen reader says it once. */
function say(id, text) {
  const node = document.getElementById(id);
  if (node.textContent !== text) node.textContent = text;
}

function heading(key) {
  const cell = element("th", "", word(key));
  cell.scope = "col";
  return cell;
}

function draw() {
  document.documentElement.lang = language;
  const button = document.getElementById("language");
  button.textContent = word("other");
  button.lang = language === "ko" ? "en" : "ko";
  button.title = word("language");
  put("summary-title", word("summary"));
  put("queues-title", word("queues"));
  put("agents-title", word("agents"));
  const showsInHand = Boolean(board) && board.agents.some(mayHaveSeveral);
  const columns = ["name", "state", "queue", ...(showsInHand ? ["inHand"] : []), "since"];
  put("agents-head", ...columns.map(heading));
  if (!board) return;
  say("phase", board.phase === "serving" ? "" : word(board.phase));
  put("summary", ...summary());
  put("queues", ...(board.queues.length ? board.queues.map(queueCard) : [word("noQueues")]));
  const counts = STATES.map((state) => [state, board.agents.filter((agent) => agent.state === state).length]);
  put("states", ...counts.filter(([, many]) => many).map(([state, many]) =>
    element("li", "", element("span", `dot ${state}`), word(state), element("b", "", many))));
  put("agents", ...board.agents.flatMap((agent) => agentRows(agent, showsInHand)));
  document.getElementById("agents-table").hidden = !board.agents.length;
  document.getElementById("agents-none").hidden = Boolean(board.agents.length);
  say("agents-none", word("noAgents"));
}

function tick() {
  put("clock", timeOfDay(new Date()));
  const isLost = performance.now() - heard >= PATIENCE_MS;
  document.getElementById("lost").hidden = !isLost;
  document.querySelector("main").classList.toggle("stale", isLost);
  if (isLost) say("lost", word("lost", timeOfDay(heardAt)));
}

async function refresh() {
  try {
    const reply = await fetch("/api/v1/wallboard", { cache: "no-store", signal: AbortSignal.timeout(PATIENCE_MS) });
    if (reply.ok) {
      board = await reply.json();
      heard = performance.now();
      heardAt = new Date();
      draw();
    }
  } catch { /* the banner of tick() says so */ }
  tick();
  setTimeout(refresh, REFRESH_MS);
}

document.getElementById("language").addEventListener("click", () => {
  language = language === "ko" ? "en" : "ko";
  try { localStorage.setItem("language", language); } catch { /* then it lasts until the page is loaded anew */ }
  draw();
  tick();
});
draw();
refresh();

/* Shoal for websites: see docs/api.md. Apache-2.0 */
((d) => {
  const tag = d.currentScript, host = tag.src.replace(/shoal\.js.*$/, "v1/"), key = tag.dataset.key;
  const kept = {}, net = { credentials: "omit" };
  let asked;

  const stored = (name) => {
    try { if (localStorage[name]) return localStorage[name]; } catch {}
    return kept[name] || decodeURIComponent((d.cookie.match("\\b" + name + "=([^;]*)") || "")[1] || "");
  };
  // Segment keeps ids as JSON or bare, RudderStack as base64 of JSON behind a mark.
  const read = (name) => {
    const text = stored(name), coded = text.split("RS_ENC_v3_")[1];
    try {
      const value = JSON.parse(coded ? decodeURIComponent(escape(atob(coded))) : text);
      return value && typeof value != "object" ? "" + value : "";
    } catch { return coded ? "" : text; }
  };
  const keep = (name, value) => {
    kept[name] = value = JSON.stringify(value);
    try { localStorage[name] = value; } catch {}
  };
  const id = (kind) => read("ajs_" + kind) || read("rl_" + kind) || read("shoal_" + kind);
  const random = () => crypto.getRandomValues(new Uint32Array(4)).join("-");
  const anonymousId = () => id("anonymous_id") || (keep("shoal_anonymous_id", random()), anonymousId());
  const send = async (path, message) => {
    const now = new Date(), at = location;
    const page = { url: at.href, path: at.pathname, title: d.title, referrer: d.referrer };
    const body = JSON.stringify({
      anonymousId: anonymousId(), userId: id("user_id"), messageId: random(), timestamp: now, sentAt: now,
      writeKey: key, context: { page }, ...message
    });
    const beacon = () => navigator.sendBeacon(host + path, body);
    const post = { ...net, method: "POST", body, keepalive: true };
    return d.hidden && beacon() || fetch(host + path, post).then((got) => got.ok, beacon);
  };
  const slug = (name) => name.trim().toLowerCase().replace(/[^\p{L}\p{N}]+/gu, "-");
  const ask = async () => {
    let names = [];
    try {
      const who = new URLSearchParams({ anonymousId: anonymousId(), writeKey: key });
      names = (await (await fetch(host + "personalise?" + who, net)).json()).segments || [];
    } catch {}
    if (d.readyState == "loading") await new Promise((go) => d.addEventListener("DOMContentLoaded", go));
    const slugs = names.map(slug);
    d.documentElement.dataset.shoalSegments = slugs.join(" ");
    d.querySelectorAll("[data-shoal-show]").forEach((e) => {
      e.hidden = !e.dataset.shoalShow.split(",").some((one) => slugs.includes(slug(one)));
    });
    return names;
  };
  const segments = (again) => asked = again || !asked ? ask() : asked;
  window.shoal = {
    segments, anonymousId,
    track: (event, properties) => send("t", { event, properties }),
    page: (name, properties) => send("p", { name, properties }),
    identify: (userId, traits) => {
      keep("shoal_user_id", userId);
      return send("i", { userId, traits });
    }
  };
  segments();
})(document);

//! The page in a real browser: both colour schemes, narrow and wide, and on paper.

use std::path::PathBuf;
use std::process::Command;

use super::recovered;
use crate::scenario::Scenario;
use serde_json::Value;

/// Chromium; a machine without one skips these tests, the build machine may not.
fn chromium() -> Option<PathBuf> {
    let found = std::env::split_paths(&std::env::var_os("PATH").unwrap_or_default())
        .map(|dir| dir.join("chromium"))
        .find(|path| path.is_file());
    assert!(found.is_some() || std::env::var_os("CI").is_none(), "chromium is needed here");
    found
}

/// What the page looks like: asked of the browser by a script that the test adds to a copy.
const LOOK: &str = "<script>\
    const rgb = (text) => (text.match(/[0-9.]+/g) || []).map(Number);\
    const light = ([r, g, b]) => { const f = (v) => { v /= 255; return v <= 0.03928 ? v / 12.92 : \
      ((v + 0.055) / 1.055) ** 2.4 }; return 0.2126 * f(r) + 0.7152 * f(g) + 0.0722 * f(b) };\
    const contrast = (a, b) => { const [x, y] = [light(a), light(b)].sort((p, q) => q - p); \
      return (x + 0.05) / (y + 0.05) };\
    const behind = (node) => { for (let at = node; at; at = at.parentElement) { \
      const color = rgb(getComputedStyle(at).backgroundColor); \
      if (color.length === 3 || color[3] === 1) return color } return [255, 255, 255] };\
    const faint = [], cut = []; let texts = 0;\
    for (const node of document.querySelectorAll('main *')) { \
      const own = [...node.childNodes].some((it) => it.nodeType === 3 && it.data.trim()); \
      if (!own || !node.getClientRects().length) continue; texts++; \
      const style = getComputedStyle(node); \
      const ink = rgb(node instanceof SVGElement ? style.fill : style.color); \
      if (contrast(ink, behind(node)) < 4.5) faint.push(node.outerHTML.slice(0, 80)); \
      const box = node.getBoundingClientRect(); \
      if (!node.closest('.wide') && box.right > innerWidth + 1) cut.push(node.outerHTML.slice(0, 80)) }\
    const told = { dark: matchMedia('(prefers-color-scheme: dark)').matches, texts, faint, cut, \
      paper: rgb(getComputedStyle(document.body).backgroundColor), \
      ink: rgb(getComputedStyle(document.body).color), \
      bars: [...document.querySelectorAll('.gantt rect')].map((it) => it.getBoundingClientRect().width), \
      wide: document.documentElement.scrollWidth, room: innerWidth };\
    const place = document.createElement('pre'); place.id = 'told'; \
    place.textContent = JSON.stringify(told); document.body.append(place);\
    </script>";

fn browse(scenario: &Scenario, chromium: &PathBuf, arguments: &[String]) -> Vec<u8> {
    let profile = tempfile::tempdir().expect("a directory");
    let ended = Command::new(chromium)
        .args(["--headless", "--no-sandbox", "--disable-gpu", "--no-first-run"])
        .args(["--disable-background-networking", "--disable-sync", "--hide-scrollbars"])
        .arg(format!("--user-data-dir={}", profile.path().display()))
        .args(arguments)
        .current_dir(scenario.path(""))
        .output()
        .expect("chromium runs");
    assert!(ended.status.success(), "{}", String::from_utf8_lossy(&ended.stderr));
    ended.stdout
}

/// The page as the browser shows it in a colour scheme and a width.
fn look(scenario: &Scenario, chromium: &PathBuf, dark: bool, width: u32) -> Value {
    let page = std::fs::read_to_string(scenario.path("report.html")).expect("a report");
    let page = page.replace("</body>", &format!("{LOOK}</body>"));
    std::fs::write(scenario.path("asked.html"), page).expect("written");
    let dom = browse(
        scenario,
        chromium,
        &[
            // 0 is dark, 1 is light.
            format!("--blink-settings=preferredColorScheme={}", u8::from(!dark)),
            format!("--window-size={width},1000"),
            "--virtual-time-budget=2000".to_owned(),
            "--dump-dom".to_owned(),
            format!("file://{}", scenario.path("asked.html").display()),
        ],
    );
    let dom = String::from_utf8_lossy(&dom);
    let told = dom.split("id=\"told\">").nth(1).and_then(|it| it.split("</pre>").next());
    let told = told.unwrap_or_else(|| panic!("the script did not run: {dom}"));
    let told = told.replace("&lt;", "<").replace("&gt;", ">").replace("&amp;", "&");
    serde_json::from_str(&told).expect("JSON")
}

/// From 0, black, to 255, white.
fn brightness(color: &Value) -> f64 {
    let parts: Vec<f64> = color.as_array().expect("a colour")[..3]
        .iter()
        .map(|part| part.as_f64().expect("a number"))
        .collect();
    parts.iter().sum::<f64>() / 3.0
}

#[test]
fn a_browser_shows_the_report_in_light_and_dark_with_every_text_readable() {
    let Some(chromium) = chromium() else { return };
    let (scenario, _endpoint) = recovered();
    scenario.run(&["validate", "--answer", "user-login=fail", "--note", "no"]).exits(1);
    scenario.run(&["report", "--out", "report.html"]).exits(0);
    // Colours do not depend on the width.
    for (dark, width) in [(false, 1280), (true, 480)] {
        let told = look(&scenario, &chromium, dark, width);
        assert_eq!(told["dark"], dark, "the browser's own scheme: {told}");
        let (paper, ink) = (brightness(&told["paper"]), brightness(&told["ink"]));
        if dark {
            assert!(paper < 40.0 && ink > 200.0, "{told}");
        } else {
            assert!(paper > 250.0 && ink < 60.0, "{told}");
        }
        assert!(told["texts"].as_u64().is_some_and(|it| it > 60), "{told}");
        assert_eq!(told["faint"], serde_json::json!([]), "texts without contrast: {told}");
        assert_eq!(told["cut"], serde_json::json!([]), "texts beyond the edge at {width}: {told}");
        assert_eq!(told["wide"], told["room"], "nothing is scrolled sideways at {width}: {told}");
        let bars = told["bars"].as_array().expect("bars");
        assert!(bars.len() == 3 && bars.iter().all(|it| it.as_f64() >= Some(1.0)), "{told}");
    }
}

#[test]
fn a_report_prints_on_a_few_white_pages() {
    let Some(chromium) = chromium() else { return };
    let (scenario, _endpoint) = recovered();
    scenario.run(&["report", "--out", "report.html"]).exits(0);
    browse(
        &scenario,
        &chromium,
        &[
            // The system is dark; paper is white all the same.
            "--blink-settings=preferredColorScheme=0".to_owned(),
            "--no-pdf-header-footer".to_owned(),
            "--print-to-pdf=report.pdf".to_owned(),
            format!("file://{}", scenario.path("report.html").display()),
        ],
    );
    let pdf = std::fs::read(scenario.path("report.pdf")).expect("a PDF");
    assert!(pdf.starts_with(b"%PDF-"));
    let pages = String::from_utf8_lossy(&pdf).matches("/Type /Page\n").count();
    assert!((1..=8).contains(&pages), "{pages} pages");
}

//! Charts as inline SVG.

use std::fmt::Write as _;

use super::spoken;
use crate::results::figure::{Figure, Unit, value};
use crate::results::words::Words;

/// The size in units of the drawing, which the page scales to its width.
const WIDTH: f64 = 480.0;
const HEIGHT: f64 = 230.0;
/// Room for labels.
const LEFT: f64 = 50.0;
const RIGHT: f64 = 8.0;
const TOP: f64 = 12.0;
const BOTTOM: f64 = 26.0;
/// The most labels below.
const LABELS_MAX: usize = 6;
/// The share of an interval that its bars take.
const BAR: f64 = 0.8;

/// How figures are drawn.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Shape {
    /// A line from the middle of one interval to that of the next, with its band.
    Line,
    /// Bars side by side.
    Bars,
    /// Level over each interval.
    Steps,
}

/// One line, or the bars of one colour.
pub(crate) struct Line {
    pub(crate) words: Words,
    /// The colour: `a`, `b` or `c`.
    pub(crate) class: &'static str,
    /// By interval.
    pub(crate) points: Vec<Option<Figure>>,
}

/// One chart.
pub(crate) struct Chart {
    pub(crate) title: Words,
    pub(crate) unit: Unit,
    /// Below each interval.
    pub(crate) labels: Vec<String>,
    pub(crate) lines: Vec<Line>,
    /// A level to be reached.
    pub(crate) target: Option<f64>,
    pub(crate) shape: Shape,
}

impl Chart {
    /// The chart with its title and its legend.
    pub(crate) fn drawn(&self) -> String {
        let legend: String = self
            .lines
            .iter()
            .filter(|_| self.lines.len() > 1)
            .map(|line| format!("<span class=\"key {}\">{}</span>", line.class, spoken(line.words)))
            .collect();
        let mut svg = String::new();
        self.axes(&mut svg);
        for (number, line) in self.lines.iter().enumerate() {
            match self.shape {
                Shape::Line => self.line(&mut svg, line),
                Shape::Bars => self.bars(&mut svg, line, number),
                Shape::Steps => self.steps(&mut svg, line),
            }
        }
        let title = spoken(self.title);
        format!(
            "<figure><figcaption>{title} {legend}</figcaption><svg viewBox=\"0 0 {WIDTH} {HEIGHT}\" \
             role=\"img\" aria-label=\"{}\">{svg}</svg></figure>",
            self.title.en
        )
    }

    fn axes(&self, svg: &mut String) {
        let (top, step) = self.scale();
        let mut level = 0.0;
        while level <= top * 1.000_001 {
            let y = self.y(level);
            put(
                svg,
                format_args!(
                    "<line class=\"grid\" x1=\"{LEFT}\" y1=\"{y:.1}\" x2=\"{:.1}\" y2=\"{y:.1}\"/>",
                    WIDTH - RIGHT
                ),
            );
            let shown = if self.unit == Unit::Share { level * 100.0 } else { level };
            let digits = usize::from(step < 1.0 && self.unit != Unit::Share);
            put(
                svg,
                format_args!(
                    "<text x=\"{:.1}\" y=\"{:.1}\" text-anchor=\"end\">{shown:.digits$}{}</text>",
                    LEFT - 6.0,
                    y + 4.0,
                    if self.unit == Unit::Share { "%" } else { "" }
                ),
            );
            level += step;
        }
        let every = self.labels.len().div_ceil(LABELS_MAX).max(1);
        for (number, label) in self.labels.iter().enumerate().filter(|(number, _)| number % every == 0) {
            let x = self.x(number as f64);
            put(svg, format_args!("<text x=\"{x:.1}\" y=\"{:.1}\">{label}</text>", HEIGHT - 8.0));
        }
        if let Some(target) = self.target {
            let y = self.y(target);
            put(
                svg,
                format_args!(
                    "<line class=\"target\" x1=\"{LEFT}\" y1=\"{y:.1}\" x2=\"{:.1}\" y2=\"{y:.1}\"/>",
                    WIDTH - RIGHT
                ),
            );
        }
    }

    fn line(&self, svg: &mut String, line: &Line) {
        let known: Vec<(f64, Figure)> = line
            .points
            .iter()
            .enumerate()
            .filter_map(|(at, figure)| Some((self.x(at as f64 + 0.5), (*figure)?)))
            .collect();
        let is_sure = known.iter().all(|(_, figure)| figure.half().is_finite());
        if is_sure && known.len() > 1 {
            let upper = known.iter().map(|(x, figure)| (x, figure.high));
            let lower = known.iter().rev().map(|(x, figure)| (x, figure.low));
            let outline: String =
                upper.chain(lower).map(|(x, level)| format!("{x:.1},{:.1} ", self.y(level))).collect();
            put(
                svg,
                format_args!("<polygon class=\"band {}\" points=\"{}\"/>", line.class, outline.trim_end()),
            );
        }
        let way: String =
            known.iter().map(|(x, figure)| format!("{x:.1},{:.1} ", self.y(figure.value))).collect();
        put(svg, format_args!("<polyline class=\"line {}\" points=\"{}\"/>", line.class, way.trim_end()));
        for (at, figure) in line.points.iter().enumerate() {
            let Some(figure) = figure else { continue };
            let (x, y) = (self.x(at as f64 + 0.5), self.y(figure.value));
            let told = self.told(at, figure.value);
            put(
                svg,
                format_args!(
                    "<circle class=\"dot {}\" cx=\"{x:.1}\" cy=\"{y:.1}\" \
                     r=\"2.5\"><title>{told}</title></circle>",
                    line.class
                ),
            );
        }
    }

    fn bars(&self, svg: &mut String, line: &Line, number: usize) {
        let width = (self.x(1.0) - self.x(0.0)) * BAR / self.lines.len() as f64;
        for (at, figure) in line.points.iter().enumerate() {
            let Some(figure) = figure else { continue };
            let x = self.x(at as f64 + (1.0 - BAR) / 2.0) + width * number as f64;
            let (y, bottom) = (self.y(figure.value), self.y(0.0));
            let told = self.told(at, figure.value);
            put(
                svg,
                format_args!(
                    "<rect class=\"bar {}\" x=\"{x:.1}\" y=\"{y:.1}\" width=\"{width:.1}\" \
                     height=\"{:.1}\"><title>{told}</title></rect>",
                    line.class,
                    bottom - y
                ),
            );
        }
    }

    fn steps(&self, svg: &mut String, line: &Line) {
        let mut way = String::new();
        let mut broken = true;
        for (at, figure) in line.points.iter().enumerate() {
            let Some(figure) = figure else {
                broken = true;
                continue;
            };
            let (from, to, y) = (self.x(at as f64), self.x(at as f64 + 1.0), self.y(figure.value));
            put(&mut way, format_args!("{}{from:.1} {y:.1}H{to:.1}", if broken { "M" } else { "L" }));
            broken = false;
        }
        put(svg, format_args!("<path class=\"line {}\" d=\"{way}\"/>", line.class));
    }

    fn told(&self, at: usize, level: f64) -> String {
        format!("{}: {}", self.labels.get(at).map_or("", String::as_str), value(level, self.unit))
    }

    /// The highest level of the drawing, and the distance of its lines.
    fn scale(&self) -> (f64, f64) {
        if self.unit == Unit::Share {
            return (1.0, 0.25);
        }
        let figures = self.lines.iter().flat_map(|line| line.points.iter().flatten());
        let most = figures.map(|figure| {
            if self.shape == Shape::Line && figure.high.is_finite() { figure.high } else { figure.value }
        });
        let most = most.fold(0.0, f64::max).max(1e-3);
        // Four or five lines, one, two or five times a power of ten apart.
        let rough = most / 4.0;
        let power = 10f64.powf(rough.log10().floor());
        let step = [1.0, 2.0, 5.0, 10.0]
            .into_iter()
            .map(|times| times * power)
            .find(|step| *step >= rough)
            .unwrap_or(rough);
        ((most / step).ceil() * step, step)
    }

    fn x(&self, interval: f64) -> f64 {
        LEFT + (WIDTH - LEFT - RIGHT) * interval / self.labels.len().max(1) as f64
    }

    fn y(&self, level: f64) -> f64 {
        let (top, _) = self.scale();
        let share = (level / top).clamp(0.0, 1.0);
        HEIGHT - BOTTOM - (HEIGHT - BOTTOM - TOP) * share
    }
}

fn put(svg: &mut String, text: std::fmt::Arguments<'_>) {
    svg.write_fmt(text).expect("a String takes every text");
}

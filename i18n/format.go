package i18n

import (
	"fmt"
	"math"
	"reflect"
	"strconv"
	"strings"
	"time"

	"github.com/go-playground/locales/currency"
	textcurrency "golang.org/x/text/currency"
)

// Number writes a number with so many digits after the decimal mark, from 0 to 15: "1.234,50".
// The value is an integer or a float; a whole number beyond 2^53 is rounded. A value of
// another type is printed as by fmt.Sprint.
func (l *Locale) Number(v any, digits int) string {
	f, ok := float(v)
	if !ok {
		return fmt.Sprint(v)
	}
	return l.number(f, digits)
}

func (l *Locale) number(f float64, digits int) string {
	digits = min(max(digits, 0), 15)
	if l.format == nil || math.IsNaN(f) || math.IsInf(f, 0) {
		return strconv.FormatFloat(f, 'f', digits, 64)
	}
	return l.format.FmtNumber(f, uint64(digits))
}

// Percent writes a share of one as percent, with so many digits: Percent(0.25, 0) is "25 %".
func (l *Locale) Percent(v any, digits int) string {
	f, ok := float(v)
	if !ok {
		return fmt.Sprint(v)
	}
	digits = min(max(digits, 0), 15)
	if l.format == nil || math.IsNaN(f) || math.IsInf(f, 0) {
		return strconv.FormatFloat(100*f, 'f', digits, 64) + "%"
	}
	return l.format.FmtPercent(100*f, uint64(digits))
}

// Money writes an amount in a currency, which is named by its code of ISO 4217: "1.234,50 €".
// The digits are the currency's. A code that does not exist is written as it is, with two
// digits.
func (l *Locale) Money(v any, code string) string {
	f, ok := float(v)
	if !ok {
		return fmt.Sprint(v)
	}
	digits := 2
	if unit, err := textcurrency.ParseISO(code); err == nil {
		digits, _ = textcurrency.Standard.Rounding(unit)
	}
	if l.format == nil {
		return l.number(f, digits) + " " + code
	}
	symbol := code
	if c, ok := currencies[code]; ok {
		if symbol = l.money.symbol(l.format, c.kind); symbol == code {
			symbol = c.symbol
		}
	}
	sign := ""
	if f < 0 {
		f, sign = -f, "-"
	}
	return sign + l.money.write(l.number(f, digits), symbol)
}

// currencies are those that have a symbol, with the one that CLDR gives them if the
// language has none of its own.
var currencies = map[string]struct {
	kind   currency.Type
	symbol string
}{
	"EUR": {currency.EUR, "€"}, "USD": {currency.USD, "$"}, "GBP": {currency.GBP, "£"}, "JPY": {currency.JPY, "¥"},
	"CNY": {currency.CNY, "CN¥"}, "KRW": {currency.KRW, "₩"}, "INR": {currency.INR, "₹"}, "ILS": {currency.ILS, "₪"},
	"VND": {currency.VND, "₫"}, "BRL": {currency.BRL, "R$"}, "CAD": {currency.CAD, "CA$"}, "AUD": {currency.AUD, "A$"},
	"NZD": {currency.NZD, "NZ$"}, "MXN": {currency.MXN, "MX$"}, "HKD": {currency.HKD, "HK$"}, "TWD": {currency.TWD, "NT$"},
	"PLN": {currency.PLN, "PLN"}, "CZK": {currency.CZK, "CZK"}, "HUF": {currency.HUF, "HUF"}, "SEK": {currency.SEK, "SEK"},
	"NOK": {currency.NOK, "NOK"}, "DKK": {currency.DKK, "DKK"}, "CHF": {currency.CHF, "CHF"}, "RUB": {currency.RUB, "RUB"},
	"UAH": {currency.UAH, "UAH"}, "TRY": {currency.TRY, "TRY"}, "RON": {currency.RON, "RON"}, "BGN": {currency.BGN, "BGN"},
	"THB": {currency.THB, "THB"}, "ZAR": {currency.ZAR, "ZAR"},
}

// A moneyPattern is what stands before and after an amount: the symbol on one of the sides,
// with or without a space.
type moneyPattern struct {
	before bool
	space  string
}

// newMoneyPattern reads the pattern off an amount.
func newMoneyPattern(f Format) moneyPattern {
	before, after, _ := strings.Cut(f.FmtCurrency(1, 2, currency.EUR), f.FmtNumber(1, 2))
	if trimmed := strings.TrimSpace(strings.ReplaceAll(before, "\u00a0", " ")); trimmed != "" {
		return moneyPattern{before: true, space: space(before)}
	}
	return moneyPattern{space: space(after)}
}

// space returns the space in a text, empty if there is none.
func space(text string) string {
	for _, s := range []string{"\u00a0", "\u202f", " "} {
		if strings.Contains(text, s) {
			return s
		}
	}
	return ""
}

// symbol returns the symbol of a currency in a language.
func (p moneyPattern) symbol(f Format, kind currency.Type) string {
	before, after, _ := strings.Cut(f.FmtCurrency(1, 2, kind), f.FmtNumber(1, 2))
	return strings.Trim(before+after, " \u00a0\u202f\u200f\u200e")
}

func (p moneyPattern) write(number, symbol string) string {
	gap := p.space
	if gap == "" && symbol != "" && isLetter(symbol[len(symbol)-1]) {
		gap = "\u00a0" // CHF 5
	}
	if p.before {
		return symbol + gap + number
	}
	return number + gap + symbol
}

func float(v any) (float64, bool) {
	switch v := v.(type) {
	case float64:
		return v, true
	case int:
		return float64(v), true
	}
	switch rv := reflect.ValueOf(v); rv.Kind() {
	case reflect.Int, reflect.Int8, reflect.Int16, reflect.Int32, reflect.Int64:
		return float64(rv.Int()), true
	case reflect.Uint, reflect.Uint8, reflect.Uint16, reflect.Uint32, reflect.Uint64, reflect.Uintptr:
		return float64(rv.Uint()), true
	case reflect.Float32, reflect.Float64:
		return rv.Float(), true
	}
	return 0, false
}

// Local returns a time in the locale's time zone.
func (l *Locale) Local(t time.Time) time.Time {
	if l.zone == nil {
		return t.UTC()
	}
	return t.In(l.zone)
}

// Date writes the date of a time in the locale's time zone. The layout is "short", "medium",
// "long", "full", "iso" (2006-01-02), or a pattern of CLDR such as "EEEE, d. MMMM y", of
// which the letters y, M, d, E, H, h, m, s, a, z and Z are known. If the layout is empty,
// "medium". The zero time is the empty string.
func (l *Locale) Date(t time.Time, layout string) string {
	return l.write(t, layout, time.DateOnly, Format.FmtDateShort, Format.FmtDateMedium, Format.FmtDateLong, Format.FmtDateFull)
}

// Time writes the time of day of a time, see [Locale.Date]. "iso" is 15:04:05.
func (l *Locale) Time(t time.Time, layout string) string {
	return l.write(t, layout, time.TimeOnly, Format.FmtTimeShort, Format.FmtTimeMedium, Format.FmtTimeLong, Format.FmtTimeFull)
}

// write writes a time by the name of a layout, for which it has the functions, or by a
// pattern.
func (l *Locale) write(t time.Time, layout, iso string, short, medium, long, full func(Format, time.Time) string) string {
	if t.IsZero() {
		return ""
	}
	t = l.Local(t)
	if l.format == nil && isStyle(layout) || layout == "iso" {
		return t.Format(iso)
	}
	switch layout {
	case "short":
		return short(l.format, t)
	case "", "medium":
		return medium(l.format, t)
	case "long":
		return long(l.format, t)
	case "full":
		return full(l.format, t)
	}
	return l.pattern(t, layout)
}

// DateTime writes date and time, with a comma between them, see [Locale.Date]. "iso" is the
// form of RFC 3339.
func (l *Locale) DateTime(t time.Time, layout string) string {
	switch {
	case t.IsZero():
		return ""
	case layout == "iso" || l.format == nil && isStyle(layout):
		return l.Local(t).Format(time.RFC3339)
	case isStyle(layout):
		return l.Date(t, layout) + ", " + l.Time(t, layout)
	}
	return l.pattern(l.Local(t), layout)
}

func isStyle(layout string) bool {
	switch layout {
	case "", "short", "medium", "long", "full":
		return true
	}
	return false
}

// maxPattern is the longest pattern that is read.
const maxPattern = 200

// pattern writes a time by a pattern of CLDR (Unicode Technical Standard 35, Date Field
// Symbol Table). Text between apostrophes, and letters that are not known, are written as
// they are.
func (l *Locale) pattern(t time.Time, pattern string) string {
	if len(pattern) > maxPattern {
		return ""
	}
	var out strings.Builder
	for i := 0; i < len(pattern); {
		c := pattern[i]
		if c == '\'' {
			text, rest, _ := strings.Cut(pattern[i+1:], "'")
			if text == "" {
				text = "'"
			}
			out.WriteString(text)
			i = len(pattern) - len(rest)
			continue
		}
		width := 1
		for i+width < len(pattern) && pattern[i+width] == c {
			width++
		}
		if isLetter(c) {
			out.WriteString(l.field(t, c, width))
		} else {
			out.WriteString(pattern[i : i+width])
		}
		i += width
	}
	return out.String()
}

// field writes one field of a pattern.
func (l *Locale) field(t time.Time, letter byte, width int) string {
	number := func(n int) string { return fmt.Sprintf("%0*d", min(width, 4), n) }
	switch letter {
	case 'y':
		if width == 2 {
			return number(t.Year() % 100)
		}
		return number(t.Year())
	case 'M', 'L':
		switch {
		case width <= 2:
			return number(int(t.Month()))
		case l.format == nil && width == 3:
			return t.Format("Jan")
		case l.format == nil:
			return t.Month().String()
		case width == 3:
			return l.format.MonthAbbreviated(t.Month())
		}
		return l.format.MonthWide(t.Month())
	case 'd':
		return number(t.Day())
	case 'E':
		switch {
		case l.format == nil && width <= 3:
			return t.Format("Mon")
		case l.format == nil:
			return t.Weekday().String()
		case width <= 3:
			return l.format.WeekdayAbbreviated(t.Weekday())
		}
		return l.format.WeekdayWide(t.Weekday())
	case 'H':
		return number(t.Hour())
	case 'h':
		return number((t.Hour()+11)%12 + 1)
	case 'm':
		return number(t.Minute())
	case 's':
		return number(t.Second())
	case 'a':
		return t.Format("PM")
	case 'z':
		return t.Format("MST")
	case 'Z':
		return t.Format("-0700")
	}
	return strings.Repeat(string(letter), width)
}

package i18n

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"path"
	"slices"
	"strconv"
	"strings"
	"unicode/utf8"

	"github.com/leonelquinteros/gotext"
)

// contextMark stands between a context and its message, as in .mo files.
const contextMark = "\x04"

// A catalog is what one file translates. It does not change.
type catalog struct {
	singular     map[string]string   // by context, mark and message
	plural       map[string][]string // by context, mark and message for one
	more         map[string]string   // the messages for more than one, by the same
	rule         pluralRule
	untranslated int
}

// find returns a translation, "" if there is none.
func (c *catalog) find(key string, plural bool, n int) string {
	if !plural {
		if text := c.singular[key]; text != "" {
			return text
		}
		if forms := c.plural[key]; len(forms) > 0 {
			return forms[0]
		}
		return ""
	}
	forms := c.plural[key]
	i := c.rule(n)
	if i < 0 || i >= len(forms) {
		return ""
	}
	return forms[i]
}

// inEnglish returns a catalogue of the same messages that leaves them as they are.
func (c *catalog) inEnglish() *catalog {
	same := &catalog{singular: map[string]string{}, plural: map[string][]string{}, rule: english}
	message := func(key string) string {
		_, text, ok := strings.Cut(key, contextMark)
		if !ok {
			return key
		}
		return text
	}
	for key := range c.singular {
		same.singular[key] = message(key)
	}
	for key := range c.plural {
		same.plural[key] = []string{message(key), c.more[key]}
	}
	return same
}

// readCatalogs reads the catalogues of a locale, in the order of the domains.
func readCatalogs(fsys fs.FS, folder string, domains []string) (list []*catalog, mistakes []error) {
	for _, domain := range domains {
		base := path.Join(folder, "LC_MESSAGES", domain)
		c, err := readCatalog(fsys, base)
		if err != nil {
			mistakes = append(mistakes, err)
			continue
		}
		list = append(list, c)
	}
	return list, mistakes
}

func readCatalog(fsys fs.FS, base string) (*catalog, error) {
	for _, extension := range []string{".mo", ".po"} {
		name := base + extension
		data, err := readFile(fsys, name)
		if errors.Is(err, fs.ErrNotExist) {
			continue
		}
		var entries []entry
		if err == nil {
			if extension == ".mo" {
				entries, err = parseMO(data)
			} else {
				entries, data, err = parsePO(data)
			}
		}
		var c *catalog
		if err == nil {
			c, err = newCatalog(entries, data, extension)
		}
		if err != nil {
			return nil, fmt.Errorf("i18n: catalogue %s: %w", name, err)
		}
		return c, nil
	}
	return nil, fmt.Errorf("i18n: there is neither %s.mo nor %s.po", base, base)
}

func readFile(fsys fs.FS, name string) ([]byte, error) {
	f, err := fsys.Open(name)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	data, err := io.ReadAll(io.LimitReader(f, maxCatalogBytes+1))
	if err == nil && len(data) > maxCatalogBytes {
		err = fmt.Errorf("it has more than %d bytes", maxCatalogBytes)
	}
	return data, err
}

// An entry is one message of a file, as we have checked it. gotext reads the file itself, but
// reports no error.
type entry struct {
	where                string // "line 12" or "message 3"
	context, id, plural  string
	hasContext, isPlural bool
	texts                []string
}

// newCatalog checks the entries of a file and has gotext read it.
func newCatalog(entries []entry, data []byte, extension string) (c *catalog, err error) {
	var header *entry
	for i := range entries {
		if entries[i].id == "" && !entries[i].hasContext {
			header = &entries[i]
		}
	}
	if header == nil {
		return nil, errors.New("it has no header: the translation of the empty message, with Content-Type and Plural-Forms")
	}
	fields := map[string]string{}
	for line := range strings.SplitSeq(header.texts[0], "\n") {
		if key, value, ok := strings.Cut(line, ":"); ok {
			fields[strings.ToLower(strings.TrimSpace(key))] = strings.TrimSpace(value)
		}
	}
	if _, charset, _ := strings.Cut(strings.ToLower(fields["content-type"]), "charset="); charset != "utf-8" && charset != "utf8" {
		return nil, fmt.Errorf("its header says charset %q; convert it to UTF-8, as by msgconv -t UTF-8", charset)
	}
	rule, forms, err := pluralForms(fields["plural-forms"])
	if err != nil {
		return nil, err
	}
	for _, e := range entries {
		if e.isPlural && len(e.texts) != forms && strings.Join(e.texts, "") != "" {
			return nil, fmt.Errorf("%s: %.60q has %d plural forms, and Plural-Forms says %d", e.where, e.id, len(e.texts), forms)
		}
		known := append(names(e.id), names(e.plural)...)
		if e.isPlural {
			known = append(known, "num")
		}
		for _, text := range e.texts {
			for _, name := range names(text) {
				if e.id != "" && !slices.Contains(known, name) {
					return nil, fmt.Errorf("%s: the translation of %.60q uses %%(%s)s, which the message does not have", e.where, e.id, name)
				}
			}
		}
	}

	var domain *gotext.Domain
	if extension == ".mo" {
		mo := gotext.NewMo()
		mo.Parse(data)
		domain = mo.GetDomain()
	} else {
		po := gotext.NewPo()
		po.Parse(data)
		domain = po.GetDomain()
	}
	c = &catalog{singular: map[string]string{}, plural: map[string][]string{}, more: map[string]string{}, rule: rule}
	c.add("", domain.GetTranslations(), forms)
	for context, list := range domain.GetCtxTranslations() {
		c.add(context+contextMark, list, forms)
	}
	for _, e := range entries {
		key := e.id
		if e.hasContext {
			key = e.context + contextMark + e.id
		}
		if e.id == "" {
			continue
		}
		complete := !slices.Contains(e.texts, "")
		if !complete {
			c.untranslated++
		}
		if _, ok := c.plural[key]; complete && c.singular[key] == "" && !ok {
			return nil, fmt.Errorf("%s: the translation of %.60q was not understood", e.where, e.id)
		}
	}
	return c, nil
}

// add adds translations that gotext has read.
func (c *catalog) add(prefix string, list map[string]*gotext.Translation, forms int) {
	for _, t := range list {
		if t.ID == "" {
			continue
		}
		if t.PluralID == "" {
			c.singular[prefix+t.ID] = t.Trs[0]
			continue
		}
		texts := make([]string, forms)
		for i := range texts {
			texts[i] = t.Trs[i]
		}
		c.plural[prefix+t.ID], c.more[prefix+t.ID] = texts, t.PluralID
	}
}

// names returns the names of the values in a message.
func names(message string) []string {
	var list []string
	for {
		_, after, ok := strings.Cut(message, "%")
		if !ok {
			return list
		}
		if strings.HasPrefix(after, "%") {
			message = after[1:]
			continue
		}
		message = after
		if name, rest, ok := strings.Cut(after, ")"); ok && strings.HasPrefix(name, "(") && rest != "" && isLetter(rest[0]) {
			list = append(list, name[1:])
		}
	}
}

// maxMessages bounds a catalogue.
const maxMessages = 200_000

// parseMO reads a .mo file (GNU gettext manual, "The Format of GNU MO Files").
func parseMO(data []byte) ([]entry, error) {
	if len(data) < 28 {
		return nil, errors.New("it is too short to be a .mo file")
	}
	var order binary.ByteOrder = binary.LittleEndian
	switch order.Uint32(data) {
	case 0x950412de:
	case 0xde120495:
		order = binary.BigEndian
	default:
		return nil, errors.New("it is not a .mo file: its first four bytes are wrong")
	}
	if major := order.Uint32(data[4:]) >> 16; major > 1 {
		return nil, fmt.Errorf("its version is %d: only 0 and 1 can be read", major)
	}
	count := uint64(order.Uint32(data[8:]))
	ids, texts := uint64(order.Uint32(data[12:])), uint64(order.Uint32(data[16:]))
	if count > maxMessages || ids+8*count > uint64(len(data)) || texts+8*count > uint64(len(data)) {
		return nil, fmt.Errorf("it is damaged: it says that it has %d messages, which is more than the file can hold", count)
	}
	text := func(table, i uint64) (string, error) {
		at := table + 8*i
		length, offset := uint64(order.Uint32(data[at:])), uint64(order.Uint32(data[at+4:]))
		if offset+length > uint64(len(data)) {
			return "", fmt.Errorf("it is damaged: message %d ends outside of the file", i)
		}
		s := string(data[offset : offset+length])
		if !utf8.ValidString(s) {
			return "", fmt.Errorf("message %d is not UTF-8; convert the file, as by msgconv -t UTF-8", i)
		}
		return s, nil
	}
	var entries []entry
	for i := range count {
		id, err := text(ids, i)
		if err != nil {
			return nil, err
		}
		translation, err := text(texts, i)
		if err != nil {
			return nil, err
		}
		e := entry{where: fmt.Sprintf("message %d", i), texts: strings.Split(translation, "\x00")}
		if context, rest, ok := strings.Cut(id, contextMark); ok {
			e.context, e.hasContext, id = context, true, rest
		}
		e.id, e.plural, e.isPlural = strings.Cut(id, "\x00")
		entries = append(entries, e)
	}
	return entries, nil
}

// parsePO reads a .po file (GNU gettext manual, "The Format of PO Files"), and returns it
// without its fuzzy and obsolete entries as well.
func parsePO(data []byte) (entries []entry, kept []byte, err error) {
	data = bytes.TrimPrefix(data, []byte("\ufeff"))
	if !utf8.Valid(data) {
		return nil, nil, errors.New("it is not UTF-8; convert it, as by msgconv -t UTF-8")
	}
	var (
		out     strings.Builder
		current entry
		target  *string
		started bool
		fuzzy   bool
		begin   int
		states  = map[int]string{}
	)
	fail := func(line int, format string, args ...any) ([]entry, []byte, error) {
		return nil, nil, fmt.Errorf("line %d: "+format, append([]any{line}, args...)...)
	}
	flush := func() error {
		if !started {
			return nil
		}
		forms := len(states)
		for i := range forms {
			text, ok := states[i]
			if !ok {
				return fmt.Errorf("line %d: the plural forms of %.60q are not numbered from 0", begin, current.id)
			}
			current.texts = append(current.texts, text)
		}
		if forms == 0 {
			return fmt.Errorf("line %d: the message %.60q has no msgstr", begin, current.id)
		}
		if len(entries) == maxMessages {
			return fmt.Errorf("line %d: more than %d messages", begin, maxMessages)
		}
		if !fuzzy || current.id == "" && !current.hasContext {
			entries = append(entries, current)
			writePO(&out, current)
		}
		current, states, started, fuzzy, target = entry{}, map[int]string{}, false, false, nil
		return nil
	}
	form := 0
	number := 0
	var formText string
	store := func() {
		if target == &formText {
			states[form] = formText
		}
	}
	for line := range strings.SplitSeq(string(data), "\n") {
		number++
		line = strings.TrimSpace(line)
		if line == "" {
			continue
		}
		if strings.HasPrefix(line, "#") {
			store()
			if len(states) > 0 {
				if err := flush(); err != nil {
					return nil, nil, err
				}
			}
			if strings.HasPrefix(line, "#,") && strings.Contains(line, "fuzzy") {
				fuzzy = true
			}
			continue
		}
		keyword, rest, _ := strings.Cut(line, `"`)
		keyword = strings.TrimSpace(keyword)
		text, ok := unquote(`"` + rest)
		if !ok {
			return fail(number, "%.60q is neither a comment nor a keyword with a string in quotation marks", line)
		}
		switch {
		case keyword == "":
			if target == nil {
				return fail(number, "a string without a keyword before it")
			}
			*target += text
			store()
			continue
		case keyword == "msgctxt", keyword == "msgid":
			store()
			if len(states) > 0 {
				if err := flush(); err != nil {
					return nil, nil, err
				}
			}
			if !started {
				started, begin = true, number
				current.where = fmt.Sprintf("line %d", number)
			}
			if keyword == "msgctxt" {
				current.hasContext, target = true, &current.context
			} else {
				target = &current.id
			}
		case !started:
			return fail(number, "%s without a msgid before it", keyword)
		case keyword == "msgid_plural":
			current.isPlural, target = true, &current.plural
		case keyword == "msgstr":
			form, target = 0, &formText
		case strings.HasPrefix(keyword, "msgstr[") && strings.HasSuffix(keyword, "]"):
			i, err := strconv.Atoi(keyword[len("msgstr[") : len(keyword)-1])
			if err != nil || i < 0 || i >= maxForms {
				return fail(number, "%s has no number from 0 to %d", keyword, maxForms-1)
			}
			form, target = i, &formText
		default:
			return fail(number, "the keyword %.20q is not known", keyword)
		}
		*target = text
		store()
	}
	if err := flush(); err != nil {
		return nil, nil, err
	}
	return entries, []byte(out.String()), nil
}

// writePO writes an entry for gotext.
func writePO(out *strings.Builder, e entry) {
	if e.hasContext {
		out.WriteString("msgctxt " + quote(e.context) + "\n")
	}
	out.WriteString("msgid " + quote(e.id) + "\n")
	if e.isPlural {
		out.WriteString("msgid_plural " + quote(e.plural) + "\n")
		for i, text := range e.texts {
			fmt.Fprintf(out, "msgstr[%d] %s\n", i, quote(text))
		}
	} else {
		out.WriteString("msgstr " + quote(e.texts[0]) + "\n")
	}
	out.WriteString("\n")
}

var quoter = strings.NewReplacer(`\`, `\\`, `"`, `\"`, "\n", `\n`, "\t", `\t`, "\r", `\r`)

func quote(s string) string { return `"` + quoter.Replace(s) + `"` }

var escapes = map[byte]byte{'n': '\n', 't': '\t', 'r': '\r', '"': '"', '\\': '\\', 'a': '\a', 'b': '\b', 'f': '\f', 'v': '\v'}

// unquote reads one string in quotation marks with the escapes of C.
func unquote(s string) (string, bool) {
	if len(s) < 2 || s[0] != '"' || s[len(s)-1] != '"' {
		return "", false
	}
	s = s[1 : len(s)-1]
	var out strings.Builder
	for i := 0; i < len(s); i++ {
		switch s[i] {
		case '"':
			return "", false
		case '\\':
			if i++; i == len(s) {
				return "", false
			}
			c, ok := escapes[s[i]]
			if !ok {
				return "", false
			}
			out.WriteByte(c)
		default:
			out.WriteByte(s[i])
		}
	}
	return out.String(), true
}

package mail

import (
	"errors"
	"fmt"
	htmltemplate "html/template"
	"io/fs"
	"path"
	"slices"
	"strings"
	texttemplate "text/template"
)

// Templates make messages from templates: from reset.txt, whose first line is the
// subject, and from reset.html, if there is one:
//
//	Subject: Another password for {{.Site}}
//
//	Open this link to choose another password:
//	{{.Link}}
//
// Make one with [ParseTemplates]. It is safe for concurrent use.
type Templates struct {
	subjects *texttemplate.Template
	texts    *texttemplate.Template
	pages    *htmltemplate.Template
}

// ParseTemplates parses all files *.txt (package text/template) and *.html (package
// html/template) of the top folder of fsys. The files of one kind can use each other by
// name, as in {{template "footer.html" .}}; a file whose name begins with "_" is only for
// that. It returns an error that lists each file that cannot be parsed, each text without
// a subject, and each HTML file without a text. Funcs are more functions of the templates,
// by their names.
func ParseTemplates(fsys fs.FS, funcs ...map[string]any) (*Templates, error) {
	names, err := fs.ReadDir(fsys, ".")
	if err != nil {
		return nil, fmt.Errorf("mail: the folder of templates: %w", err)
	}
	const missing = "missingkey=error"
	t := &Templates{
		subjects: texttemplate.New("").Option(missing),
		texts:    texttemplate.New("").Option(missing),
		pages:    htmltemplate.New("").Option(missing),
	}
	for _, more := range funcs {
		t.subjects.Funcs(more)
		t.texts.Funcs(more)
		t.pages.Funcs(more)
	}
	var errs []error
	var pages []string
	for _, entry := range names {
		name := entry.Name()
		kind := path.Ext(name)
		if entry.IsDir() || kind != ".txt" && kind != ".html" {
			continue
		}
		data, err := fs.ReadFile(fsys, name)
		if err != nil {
			return nil, fmt.Errorf("mail: %w", err)
		}
		partial := strings.HasPrefix(name, "_")
		switch {
		case kind == ".html":
			_, err = t.pages.New(name).Parse(string(data))
			if !partial {
				pages = append(pages, name)
			}
		case partial:
			_, err = t.texts.New(name).Parse(string(data))
		default:
			err = t.parseText(name, string(data))
		}
		if err != nil {
			errs = append(errs, fmt.Errorf("mail: %w", err))
		}
	}
	for _, name := range pages {
		if text := strings.TrimSuffix(name, ".html") + ".txt"; t.texts.Lookup(text) == nil {
			errs = append(errs, fmt.Errorf("mail: %s has no %s beside it: some people read text only, and the subject is in it", name, text))
		}
	}
	if len(t.texts.Templates()) == 0 && errs == nil {
		errs = append(errs, errors.New(`mail: no template: give ParseTemplates a folder with files such as reset.txt, as fs.Sub(files, "mails") returns it`))
	}
	if errs != nil {
		return nil, errors.Join(errs...)
	}
	return t, nil
}

const subjectPrefix = "Subject: "

// parseText parses a file that begins with the line of the subject.
func (t *Templates) parseText(name, text string) error {
	text = strings.ReplaceAll(text, "\r\n", "\n")
	first, rest, _ := strings.Cut(text, "\n")
	subject, ok := strings.CutPrefix(first, subjectPrefix)
	if !ok || strings.TrimSpace(subject) == "" {
		return fmt.Errorf("%s: the first line must be %q and the subject", name, subjectPrefix)
	}
	if _, err := t.subjects.New(name).Parse(strings.TrimSpace(subject)); err != nil {
		return err
	}
	_, err := t.texts.New(name).Parse(strings.TrimPrefix(rest, "\n"))
	return err
}

// Names returns the names that Message takes, sorted, such as "reset".
func (t *Templates) Names() []string {
	var names []string
	for _, text := range t.subjects.Templates() {
		names = append(names, strings.TrimSuffix(text.Name(), ".txt"))
	}
	slices.Sort(names)
	return names
}

// Message makes a message to a bare address from the templates of a name. It returns an
// error if there are no such templates, if a template fails, and if the message is not
// valid, for example because the data puts a line end into the subject. A template fails
// if it uses a key that a map does not have.
func (t *Templates) Message(name, to string, data any) (Message, error) {
	m := Message{To: to}
	text := t.texts.Lookup(name + ".txt")
	subject := t.subjects.Lookup(name + ".txt")
	if text == nil || subject == nil {
		return Message{}, fmt.Errorf("mail: there is no template %s.txt", name)
	}
	var b strings.Builder
	if err := subject.Execute(&b, data); err != nil {
		return Message{}, fmt.Errorf("mail: the subject of %w", err)
	}
	m.Subject = b.String()
	b.Reset()
	if err := text.Execute(&b, data); err != nil {
		return Message{}, fmt.Errorf("mail: %w", err)
	}
	m.Text = b.String()
	if page := t.pages.Lookup(name + ".html"); page != nil {
		b.Reset()
		if err := page.Execute(&b, data); err != nil {
			return Message{}, fmt.Errorf("mail: %w", err)
		}
		m.HTML = b.String()
	}
	if err := m.Validate(); err != nil {
		return Message{}, fmt.Errorf("mail: template %s: %w", name, err)
	}
	return m, nil
}

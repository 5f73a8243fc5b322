package main

import (
	"errors"
	"fmt"
	"testing"
	"time"

	gcds "cloud.google.com/go/datastore"

	"github.com/webapp2go/webapp2go/internal/datastoretest"
)

// books are the Books there are, each empty.
var books = map[string]func(*testing.T) Book{
	"memory":    func(*testing.T) Book { return new(memory) },
	"datastore": func(t *testing.T) Book { return datastoreBook{newClient(t, datastoretest.Start(t))} },
}

func TestBookShowsTheNewestFirst(t *testing.T) {
	for name, newBook := range books {
		t.Run(name, func(t *testing.T) {
			book := newBook(t)
			for i := range 12 {
				if err := book.Sign(t.Context(), "one", "ann", fmt.Sprint(i)); err != nil {
					t.Fatal(err)
				}
			}
			if err := book.Sign(t.Context(), "another", "", "elsewhere"); err != nil {
				t.Fatal(err)
			}
			entries, err := book.Newest(t.Context(), "one", 10)
			if err != nil || len(entries) != 10 {
				t.Fatalf("%d entries, %v", len(entries), err)
			}
			for i, e := range entries {
				if e.Content != fmt.Sprint(11-i) || e.Author != "ann" || e.ID == 0 || time.Since(e.Date) > time.Hour {
					t.Errorf("entry %d is %+v", i, e)
				}
			}
			if entries, err := book.Newest(t.Context(), "another", 10); err != nil || len(entries) != 1 || entries[0].Content != "elsewhere" {
				t.Errorf("another guestbook has %v, %v", entries, err)
			}
			if entries, err := book.Newest(t.Context(), "unsigned", 10); err != nil || len(entries) != 0 {
				t.Errorf("a guestbook that nobody signed has %v, %v", entries, err)
			}
		})
	}
}

func TestBookRemovesOnlyOnesOwn(t *testing.T) {
	for name, newBook := range books {
		t.Run(name, func(t *testing.T) {
			book := newBook(t)
			for _, author := range []string{"ann", ""} {
				if err := book.Sign(t.Context(), "one", author, "by "+author); err != nil {
					t.Fatal(err)
				}
			}
			entries, err := book.Newest(t.Context(), "one", 10)
			if err != nil || len(entries) != 2 {
				t.Fatal(entries, err)
			}
			nobodys, anns := entries[0].ID, entries[1].ID
			refused := []struct {
				what, guestbook, author string
				id                      int64
			}{
				{"somebody else's", "one", "bob", anns},
				{"in another guestbook", "another", "ann", anns},
				{"nobody's, by nobody", "one", "", nobodys},
				{"that never was", "one", "ann", 1 << 40},
			}
			for _, r := range refused {
				if err := book.Remove(t.Context(), r.guestbook, r.id, r.author); !errors.Is(err, errNotFound) {
					t.Errorf("an entry %s: %v", r.what, err)
				}
			}
			if err := book.Remove(t.Context(), "one", anns, "ann"); err != nil {
				t.Error(err)
			}
			if entries, err := book.Newest(t.Context(), "one", 10); err != nil || len(entries) != 1 || entries[0].ID != nobodys {
				t.Errorf("left are %v, %v", entries, err)
			}
		})
	}
}

// What the webapp2 program wrote is there after the move: ndb writes a StringProperty
// without a value as null, and dates of microseconds.
func TestDatastoreBookReadsWhatWebapp2Wrote(t *testing.T) {
	client := newClient(t, datastoretest.Start(t))
	date := time.Date(2012, 5, 1, 10, 0, 0, 123456000, time.UTC)
	key := gcds.IDKey("Greeting", 5629499534213120, gcds.NameKey("Guestbook", "default_guestbook", nil))
	written := gcds.PropertyList{
		{Name: "author", Value: nil},
		{Name: "content", Value: "Hello from Python", NoIndex: true},
		{Name: "date", Value: date},
	}
	if _, err := client.Put(t.Context(), key, &written); err != nil {
		t.Fatal(err)
	}
	entries, err := datastoreBook{client}.Newest(t.Context(), "default_guestbook", 10)
	want := Entry{ID: key.ID, Content: "Hello from Python", Date: date}
	if err != nil || len(entries) != 1 || !entries[0].Date.Equal(date) {
		t.Fatal(entries, err)
	}
	if got := entries[0]; got.ID != want.ID || got.Author != "" || got.Content != want.Content {
		t.Errorf("got %+v, want %+v", got, want)
	}
}

// The entities of App Engine's own guestbook tutorial, whose author is a StructuredProperty,
// are shown, and lose nothing when they are written back.
func TestBookReadsTheTutorialsData(t *testing.T) {
	client := newClient(t, datastoretest.Start(t))
	key := gcds.IDKey("Greeting", 7, bookKey("signed"))
	written := gcds.PropertyList{
		{Name: "author.identity", Value: "123", NoIndex: true}, {Name: "author.email", Value: "ann@example.com", NoIndex: true},
		{Name: "content", Value: "hi", NoIndex: true}, {Name: "date", Value: time.Now().Truncate(time.Microsecond)},
	}
	if _, err := client.Put(t.Context(), key, &written); err != nil {
		t.Fatal(err)
	}
	entries, err := datastoreBook{client}.Newest(t.Context(), "signed", 10)
	if err != nil || len(entries) != 1 || entries[0].Author != "ann@example.com" || entries[0].Content != "hi" {
		t.Fatalf("%+v, %v", entries, err)
	}
	var g greeting
	if err := client.Get(t.Context(), key, &g); err != nil {
		t.Fatal(err)
	}
	g.Content = "changed"
	if _, err := client.Put(t.Context(), key, &g); err != nil {
		t.Fatal(err)
	}
	var kept gcds.PropertyList
	if err := client.Get(t.Context(), key, &kept); err != nil || len(kept) != len(written) {
		t.Errorf("%v, %v", kept, err)
	}
}

package main

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"time"

	gcds "cloud.google.com/go/datastore"

	"github.com/webapp2go/webapp2go/webapp2/ndb"
)

// datastoreBook is a Book in the entities that the webapp2 program wrote: kind
// Greeting, each a child of its guestbook's key. The guestbook itself is a key and
// no entity. All entries of one guestbook are one entity group, so who signs sees
// the entry at once.
type datastoreBook struct{ client *gcds.Client }

// greeting is an Entry as it is stored: the names and indexes are ndb's. What the old
// program stores besides stays in the entity.
type greeting struct {
	Author  string    `datastore:"author"`
	Content string    `datastore:"content,noindex"`
	Date    time.Time `datastore:"date"`
	Kept    ndb.Kept  `datastore:"-"`
}

func (g *greeting) Load(ps []gcds.Property) error  { return ndb.Load(g, &g.Kept, ps) }
func (g *greeting) Save() ([]gcds.Property, error) { return ndb.Save(g, &g.Kept) }

// signer returns who signed. App Engine's tutorial stored an author with an address, the
// property author.email.
func (g *greeting) signer() string {
	address, _ := g.Kept.Get("author.email")
	text, _ := address.(string)
	return cmp.Or(g.Author, text)
}

// Without a deadline the client waits a minute for a server that is not there,
// and tries again.
const patience = 5 * time.Second

func bookKey(guestbook string) *gcds.Key { return gcds.NameKey("Guestbook", guestbook, nil) }

func (b datastoreBook) Newest(ctx context.Context, guestbook string, n int) ([]Entry, error) {
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	var greetings []greeting
	query := gcds.NewQuery("Greeting").Ancestor(bookKey(guestbook)).Order("-date").Limit(n)
	keys, err := b.client.GetAll(ctx, query, &greetings)
	if err != nil {
		return nil, fmt.Errorf("guestbook: reading entries: %w", err)
	}
	entries := make([]Entry, len(keys))
	for i := range greetings {
		g := &greetings[i]
		entries[i] = Entry{ID: keys[i].ID, Author: g.signer(), Content: g.Content, Date: g.Date}
	}
	return entries, nil
}

func (b datastoreBook) Sign(ctx context.Context, guestbook, author, content string) error {
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	key := gcds.IncompleteKey("Greeting", bookKey(guestbook))
	_, err := b.client.Put(ctx, key, &greeting{Author: author, Content: content, Date: time.Now()})
	if err != nil {
		return fmt.Errorf("guestbook: writing an entry: %w", err)
	}
	return nil
}

func (b datastoreBook) Remove(ctx context.Context, guestbook string, id int64, author string) error {
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	key := gcds.IDKey("Greeting", id, bookKey(guestbook))
	_, err := b.client.RunInTransaction(ctx, func(tx *gcds.Transaction) error {
		var g greeting
		switch err := tx.Get(key, &g); {
		case errors.Is(err, gcds.ErrNoSuchEntity):
			return errNotFound
		case err != nil:
			return err
		case g.Author != author || author == "":
			return errNotFound
		}
		return tx.Delete(key)
	})
	if err != nil && !errors.Is(err, errNotFound) {
		return fmt.Errorf("guestbook: removing an entry: %w", err)
	}
	return err
}

package datastoretest_test

import (
	"errors"
	"slices"
	"strings"
	"testing"

	"cloud.google.com/go/datastore"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"

	"github.com/webapp2go/webapp2go/internal/datastoretest"
)

type note struct {
	Text string   `datastore:"text"`
	Rank int      `datastore:"rank"`
	Tags []string `datastore:"tags"`
	Blob []byte   `datastore:"blob,noindex"`
}

func TestMutations(t *testing.T) {
	client := datastoretest.Start(t).Client(t.Context())
	ctx := t.Context()
	key := datastore.NameKey("Note", "one", nil)
	var got note
	if err := client.Get(ctx, key, &got); err != datastore.ErrNoSuchEntity {
		t.Fatalf("Get before anything: %v", err)
	}
	if _, err := client.Mutate(ctx, datastore.NewUpdate(key, &note{})); status.Code(err) != codes.NotFound {
		t.Errorf("update of nothing: %v, want NotFound", err)
	}
	if _, err := client.Mutate(ctx, datastore.NewInsert(key, &note{Text: "a"})); err != nil {
		t.Fatalf("insert: %v", err)
	}
	if _, err := client.Mutate(ctx, datastore.NewInsert(key, &note{Text: "b"})); status.Code(err) != codes.AlreadyExists {
		t.Errorf("second insert: %v, want AlreadyExists", err)
	}
	other := datastore.NameKey("Note", "two", nil)
	_, err := client.Mutate(ctx, datastore.NewUpsert(other, &note{}), datastore.NewUpdate(datastore.NameKey("Note", "three", nil), &note{}))
	if status.Code(err) != codes.NotFound {
		t.Errorf("half of a commit is wrong: %v", err)
	}
	if err := client.Get(ctx, other, &got); err != datastore.ErrNoSuchEntity {
		t.Errorf("the other half was applied: %v", err)
	}
	if err := client.Get(ctx, key, &got); err != nil || got.Text != "a" {
		t.Errorf("Get: %+v, %v", got, err)
	}
	if err := client.Delete(ctx, key); err != nil {
		t.Errorf("Delete: %v", err)
	}
	if err := client.Get(ctx, key, &got); err != datastore.ErrNoSuchEntity {
		t.Errorf("Get after Delete: %v", err)
	}
	elsewhere := datastore.NameKey("Note", "one", nil)
	elsewhere.Namespace = "elsewhere"
	if _, err := client.Put(ctx, elsewhere, &note{}); err != nil {
		t.Fatal(err)
	}
	if err := client.Get(ctx, key, &got); err != datastore.ErrNoSuchEntity {
		t.Errorf("Get of another namespace's entity: %v", err)
	}
}

func TestIDs(t *testing.T) {
	client := datastoretest.Start(t).Client(t.Context())
	one, err := client.Put(t.Context(), datastore.IncompleteKey("Note", nil), &note{Text: "one"})
	if err != nil || one.Incomplete() {
		t.Fatalf("Put under an incomplete key: %v, %v", one, err)
	}
	keys, err := client.AllocateIDs(t.Context(), []*datastore.Key{datastore.IncompleteKey("Note", nil)})
	if err != nil || keys[0].Incomplete() || keys[0].ID == one.ID {
		t.Errorf("AllocateIDs: %v, %v", keys, err)
	}
	if err := client.ReserveIDs(t.Context(), keys); err != nil {
		t.Errorf("ReserveIDs: %v", err)
	}
	var got note
	if err := client.Get(t.Context(), one, &got); err != nil || got.Text != "one" {
		t.Errorf("Get: %+v, %v", got, err)
	}
}

func TestLimits(t *testing.T) {
	client := datastoretest.Start(t).Client(t.Context())
	put := func(n *note) error {
		_, err := client.Put(t.Context(), datastore.NameKey("Note", "n", nil), n)
		return err
	}
	if err := put(&note{Text: strings.Repeat("x", 1500), Blob: make([]byte, 1_048_000-1500)}); err != nil {
		t.Errorf("an entity within the limits: %v", err)
	}
	if err := put(&note{Blob: make([]byte, 1_048_488)}); status.Code(err) != codes.InvalidArgument {
		t.Errorf("an entity over the limit: %v, want InvalidArgument", err)
	}
	if err := put(&note{Text: strings.Repeat("x", 1501)}); err == nil {
		t.Error("an indexed string of 1501 bytes was taken")
	}
	var big []*datastore.Mutation
	for i := range 11 {
		big = append(big, datastore.NewUpsert(datastore.IDKey("Note", int64(i+1), nil), &note{Blob: make([]byte, 1_000_000)}))
	}
	if _, err := client.Mutate(t.Context(), big...); status.Code(err) != codes.InvalidArgument {
		t.Errorf("a commit of 11 MB: %v, want InvalidArgument", err)
	}
	if _, err := client.Mutate(t.Context(), big[:9]...); err != nil {
		t.Errorf("a commit of 9 MB: %v", err)
	}
	if _, err := client.Put(t.Context(), datastore.NameKey("Note", "__x__", nil), &note{}); status.Code(err) != codes.InvalidArgument {
		t.Errorf("a reserved name: %v, want InvalidArgument", err)
	}
}

func TestQuery(t *testing.T) {
	client := datastoretest.Start(t).Client(t.Context())
	for i, tags := range [][]string{{"red"}, {"red", "blue"}, {"blue"}, nil} {
		if _, err := client.Put(t.Context(), datastore.IDKey("Note", int64(i+1), nil), &note{Rank: 10 - i, Tags: tags}); err != nil {
			t.Fatal(err)
		}
	}
	if _, err := client.Put(t.Context(), datastore.IDKey("Other", 9, nil), &note{Rank: 10}); err != nil {
		t.Fatal(err)
	}
	query := datastore.NewQuery("Note").KeysOnly()
	for _, tt := range []struct {
		name  string
		query *datastore.Query
		want  []int64
	}{
		{"kind", query, []int64{1, 2, 3, 4}},
		{"equal", query.FilterField("rank", "=", 9), []int64{2}},
		{"element of a list", query.FilterField("tags", "=", "red"), []int64{1, 2}},
		{"less, by the property's order", query.FilterField("rank", "<", 10), []int64{4, 3, 2}},
		{"two filters", query.FilterField("rank", "<=", 9).FilterField("tags", "=", "blue"), []int64{3, 2}},
		{"another type", query.FilterField("rank", ">=", "0"), nil},
		{"limit and offset", query.Order("-rank").Offset(1).Limit(2), []int64{2, 3}},
		{"unindexed", query.FilterField("blob", "=", []byte(nil)), nil},
		{"another namespace", query.Namespace("elsewhere"), nil},
		{"keys from and below", query.FilterField("__key__", ">=", datastore.IDKey("Note", 2, nil)).FilterField("__key__", "<", datastore.IDKey("Note", 4, nil)), []int64{2, 3}},
		{"keys after", query.FilterField("__key__", ">", datastore.IDKey("Note", 2, nil)).Order("__key__").Limit(1), []int64{3}},
		{"a key and a property", query.FilterField("__key__", ">", datastore.IDKey("Note", 1, nil)).FilterField("tags", "=", "red"), []int64{2}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			keys, err := client.GetAll(t.Context(), tt.query, nil)
			if err != nil {
				t.Fatal(err)
			}
			var got []int64
			for _, key := range keys {
				got = append(got, key.ID)
			}
			if !slices.Equal(got, tt.want) {
				t.Errorf("got %v, want %v", got, tt.want)
			}
		})
	}
	var all []note
	if _, err := client.GetAll(t.Context(), datastore.NewQuery("Note").FilterField("rank", "=", 10), &all); err != nil || len(all) != 1 || all[0].Tags[0] != "red" {
		t.Errorf("entities in full: %+v, %v", all, err)
	}
}

func TestFaults(t *testing.T) {
	server := datastoretest.Start(t)
	client := server.Client(t.Context())
	key := datastore.NameKey("Note", "n", nil)
	calls := server.Calls()["Commit"]
	server.Fail(func(method string) error {
		if method == "Commit" {
			return status.Error(codes.PermissionDenied, "no")
		}
		return nil
	})
	if _, err := client.Put(t.Context(), key, &note{}); status.Code(err) != codes.PermissionDenied {
		t.Errorf("Put: %v, want PermissionDenied", err)
	}
	if n := server.Calls()["Commit"] - calls; n != 1 {
		t.Errorf("%d commits came in, want 1", n)
	}
	server.Fail(nil)
	var got note
	if err := client.Get(t.Context(), key, &got); !errors.Is(err, datastore.ErrNoSuchEntity) {
		t.Errorf("Get after a failed Put: %v", err)
	}
	server.LoseReply(func(string) error { return status.Error(codes.Internal, "lost") })
	if _, err := client.Put(t.Context(), key, &note{}); status.Code(err) != codes.Internal {
		t.Errorf("Put: %v, want Internal", err)
	}
	server.LoseReply(nil)
	if err := client.Get(t.Context(), key, &got); err != nil {
		t.Errorf("Get after a Put whose reply was lost: %v", err)
	}
	server.Stop()
	server.Restart()
	if err := client.Get(t.Context(), key, &got); err != nil {
		t.Errorf("Get after a restart: %v", err)
	}
}

package ndb_test

import (
	"bytes"
	"compress/zlib"
	"encoding/json"
	"errors"
	"fmt"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"

	"cloud.google.com/go/datastore"
	pb "cloud.google.com/go/datastore/apiv1/datastorepb"
	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/credentials/insecure"
	"google.golang.org/grpc/status"

	"github.com/webapp2go/webapp2go/internal/datastoretest"
	"github.com/webapp2go/webapp2go/webapp2/ndb"
)

type Author struct {
	Identity string `datastore:"identity,noindex"`
	Email    string `datastore:"email,noindex"`
}

// Greeting is the entity of App Engine's tutorial.
type Greeting struct {
	Author  *Author   `datastore:"author,flatten"`
	Content string    `datastore:"content,noindex"`
	Date    time.Time `datastore:"date"`
	Kept    ndb.Kept  `datastore:"-"`
}

func (g *Greeting) Load(ps []datastore.Property) error  { return ndb.Load(g, &g.Kept, ps) }
func (g *Greeting) Save() ([]datastore.Property, error) { return ndb.Save(g, &g.Kept) }

func Example() {
	var g Greeting
	err := g.Load([]datastore.Property{
		{Name: "author.email", Value: "ann@example.com", NoIndex: true},
		{Name: "content", Value: "Hello", NoIndex: true},
		{Name: "mood", Value: "merry"}, // of an older version of the model
		{Name: "date", Value: nil},
	})
	fmt.Println(g.Author.Email, g.Content, err)
	g.Content = "Hello, all"
	ps, err := g.Save()
	for _, p := range ps {
		fmt.Println(p.Name, p.Value)
	}
	fmt.Println(err)
	// Output:
	// ann@example.com Hello <nil>
	// author.email ann@example.com
	// content Hello, all
	// date <nil>
	// mood merry
	// <nil>
}

func ExampleSave() {
	var g Greeting
	err := g.Load([]datastore.Property{{Name: "content", Value: 7.5}, {Name: "date", Value: "yesterday"}})
	fmt.Println(err != nil)
	_, err = g.Save()
	fmt.Println(err != nil) // nothing is written over what was not understood
	// Output:
	// true
	// true
}

func ExampleKept() {
	var g Greeting
	if err := g.Load([]datastore.Property{{Name: "content", Value: "Hello"}, {Name: "mood", Value: "merry"}}); err != nil {
		panic(err)
	}
	mood, ok := g.Kept.Get("mood")
	fmt.Println(mood, ok)
	g.Kept.Drop("mood")
	ps, _ := g.Save()
	fmt.Println(len(ps))
	// Output:
	// merry true
	// 1
}

func ExampleURLSafe() {
	s, err := ndb.URLSafe(datastore.IDKey("Account", 34201, nil), "hello")
	fmt.Println(s, err)
	// Output: agVoZWxsb3IPCxIHQWNjb3VudBiZiwIM <nil>
}

func ExampleUser() {
	type Greeting struct {
		Author *ndb.User `datastore:"author"`
	}
	greeting := Greeting{Author: &ndb.User{Email: "ann@gmail.com", AuthDomain: "gmail.com", UserID: "12"}}
	fmt.Println(greeting.Author.Nickname())
	other := ndb.User{Email: "ann@example.com", AuthDomain: "gmail.com"}
	fmt.Println(other.Nickname())
	// Output:
	// ann
	// ann@example.com
}

func ExampleClientOption() {
	server, err := datastoretest.New()
	if err != nil {
		panic(err)
	}
	defer server.Close()
	conn, err := grpc.NewClient(server.Addr, grpc.WithTransportCredentials(insecure.NewCredentials()))
	if err != nil {
		panic(err)
	}
	_ = conn // a program gives NewClient the option: datastore.NewClient(ctx, project, ndb.ClientOption())
	fmt.Println(ndb.ClientOption() != nil)
	// Output: true
}

type Address struct {
	Street string   `datastore:"street"`
	Zip    *string  `datastore:"zip"`
	Kept   ndb.Kept `datastore:"-"`
}

func (a *Address) Load(ps []datastore.Property) error  { return ndb.Load(a, &a.Kept, ps) }
func (a *Address) Save() ([]datastore.Property, error) { return ndb.Save(a, &a.Kept) }

type Flat struct {
	Street string `datastore:"street"`
	Inner  *Deep  `datastore:"inner,flatten"`
}

type Deep struct {
	City string `datastore:"city"`
}

// Pointers is a struct for every property of ndb in which None stays apart from zero.
type Pointers struct {
	Integer   *int64              `datastore:"integer"`
	Float     *float64            `datastore:"float"`
	Bool      *bool               `datastore:"bool"`
	String    *string             `datastore:"string"`
	Text      *string             `datastore:"text,noindex"`
	Blob      []byte              `datastore:"blob,noindex"`
	DateTime  *time.Time          `datastore:"datetime"`
	Date      *time.Time          `datastore:"date"`
	TimeOfDay *time.Time          `datastore:"time"`
	GeoPt     *datastore.GeoPoint `datastore:"geopt"`
	Key       *datastore.Key      `datastore:"key"`
	BlobKey   *string             `datastore:"blobkey"`
	User      *ndb.User           `datastore:"user"`
	JSON      json.RawMessage     `datastore:"json,noindex"`
	Pickle    []byte              `datastore:"pickle,noindex"`
	Computed  *string             `datastore:"computed"`
	Struct    *Flat               `datastore:"st,flatten"`
	Structs   []Author            `datastore:"rst,flatten"`
	Local     *Address            `datastore:"local,noindex"`
	Locals    []Address           `datastore:"locals,noindex"`
	Strings   []string            `datastore:"strings"`
	Optional  []*string           `datastore:"optional"`
	Class     []string            `datastore:"class"`
	Renamed   *string             `datastore:"rn"`
	Kept      ndb.Kept            `datastore:"-"`
}

func (e *Pointers) Load(ps []datastore.Property) error  { return ndb.Load(e, &e.Kept, ps) }
func (e *Pointers) Save() ([]datastore.Property, error) { return ndb.Save(e, &e.Kept) }

// Plain is a struct without pointers that knows a part of the properties.
type Plain struct {
	Integer  int64     `datastore:"integer"`
	Float    float64   `datastore:"float"`
	Bool     bool      `datastore:"bool"`
	String   string    `datastore:"string"`
	Text     string    `datastore:"text,noindex"`
	DateTime time.Time `datastore:"datetime"`
	JSON     []byte    `datastore:"json,noindex"`
	Strings  []string  `datastore:"strings"`
	Optional []string  `datastore:"optional"`
	Added    int       `datastore:"added"` // is in no entity yet
	Kept     ndb.Kept  `datastore:"-"`
}

func (e *Plain) Load(ps []datastore.Property) error  { return ndb.Load(e, &e.Kept, ps) }
func (e *Plain) Save() ([]datastore.Property, error) { return ndb.Save(e, &e.Kept) }

// Nothing is a struct that knows no property.
type Nothing struct {
	Kept ndb.Kept `datastore:"-"`
}

func (e *Nothing) Load(ps []datastore.Property) error  { return ndb.Load(e, &e.Kept, ps) }
func (e *Nothing) Save() ([]datastore.Property, error) { return ndb.Save(e, &e.Kept) }

var at = time.Date(2012, 3, 4, 5, 6, 7, 8000, time.UTC)

func compressed(s string) []byte {
	var b bytes.Buffer
	w, _ := zlib.NewWriterLevel(&b, zlib.BestSpeed)
	w.Write([]byte(s))
	w.Close()
	return b.Bytes()
}

// full are the properties of an entity as ndb writes it, each of its kinds of property once.
func full() datastore.PropertyList {
	return datastore.PropertyList{
		{Name: "integer", Value: int64(7)}, {Name: "float", Value: 3.0}, {Name: "bool", Value: true}, {Name: "string", Value: "s"},
		{Name: "text", Value: strings.Repeat("t", 2000), NoIndex: true}, {Name: "blob", Value: []byte{0, 1}, NoIndex: true},
		{Name: "datetime", Value: at}, {Name: "date", Value: at.Truncate(24 * time.Hour)}, {Name: "time", Value: time.Date(1970, 1, 1, 5, 6, 7, 0, time.UTC)},
		{Name: "geopt", Value: datastore.GeoPoint{Lat: 52.5, Lng: 13.4}}, {Name: "key", Value: datastore.IDKey("Other", 7, datastore.NameKey("Parent", "p", nil))},
		{Name: "blobkey", Value: "abc"},
		{Name: "user", Value: &datastore.Entity{Properties: []datastore.Property{{Name: "email", Value: "a@example.com", NoIndex: true}, {Name: "auth_domain", Value: "gmail.com", NoIndex: true}, {Name: "user_id", Value: "12", NoIndex: true}}}},
		{Name: "json", Value: []byte(`{"a": [1, null]}`), NoIndex: true}, {Name: "pickle", Value: []byte("(dp1\n."), NoIndex: true}, {Name: "computed", Value: "S"},
		{Name: "st.street", Value: "Main Street"}, {Name: "st.inner.city", Value: "Berlin"}, {Name: "st.gone", Value: int64(1)},
		{Name: "rst.identity", Value: []any{"1", "2"}, NoIndex: true}, {Name: "rst.email", Value: []any{"a@x", "b@x"}, NoIndex: true},
		{Name: "local", Value: &datastore.Entity{Properties: []datastore.Property{{Name: "street", Value: "Low Road", NoIndex: true}, {Name: "zip", Value: nil, NoIndex: true}, {Name: "gone", Value: "inside", NoIndex: true}}}, NoIndex: true},
		{Name: "locals", Value: []any{&datastore.Entity{Properties: []datastore.Property{{Name: "street", Value: "A", NoIndex: true}, {Name: "gone", Value: int64(2), NoIndex: true}}}}, NoIndex: true},
		{Name: "strings", Value: []any{"x", "y"}}, {Name: "optional", Value: []any{"x", nil}}, {Name: "class", Value: []any{"Animal", "Cat"}}, {Name: "rn", Value: "renamed"},
		{Name: "expando", Value: 2.5}, {Name: "expando_list", Value: []any{int64(1), "two", nil}}, {Name: "sub.x", Value: "of a model in an Expando"},
	}
}

// allNone are the properties of an entity of the same model whose values are all None. An
// empty repeated property is no property.
func allNone() datastore.PropertyList {
	var none datastore.PropertyList
	for _, name := range []string{"integer", "float", "bool", "string", "datetime", "date", "time", "geopt", "key", "blobkey", "user", "computed", "st", "rn", "expando"} {
		none = append(none, datastore.Property{Name: name})
	}
	for _, name := range []string{"text", "blob", "json", "pickle", "local"} {
		none = append(none, datastore.Property{Name: name, NoIndex: true})
	}
	return none
}

func sorted(ps datastore.PropertyList) datastore.PropertyList {
	ps = slices.Clone(ps)
	slices.SortFunc(ps, func(a, b datastore.Property) int { return strings.Compare(a.Name, b.Name) })
	for i, p := range ps {
		switch v := p.Value.(type) {
		case *datastore.Entity:
			ps[i].Value = &datastore.Entity{Key: v.Key, Properties: sorted(v.Properties)}
		case []any:
			list := slices.Clone(v)
			for j, element := range list {
				if e, ok := element.(*datastore.Entity); ok {
					list[j] = &datastore.Entity{Key: e.Key, Properties: sorted(e.Properties)}
				}
			}
			ps[i].Value = list
		case time.Time:
			ps[i].Value = v.UTC()
		}
	}
	return ps
}

func connect(t *testing.T) (client *datastore.Client, raw pb.DatastoreClient, project string) {
	server := datastoretest.Start(t)
	t.Setenv("DATASTORE_EMULATOR_HOST", server.Addr)
	client, err := datastore.NewClient(t.Context(), server.Project, ndb.ClientOption())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { client.Close() })
	conn, err := grpc.NewClient(server.Addr, grpc.WithTransportCredentials(insecure.NewCredentials()))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { conn.Close() })
	return client, pb.NewDatastoreClient(conn), server.Project
}

// An entity that is read and written back is the one that it was, whatever the struct knows.
func TestNothingIsLost(t *testing.T) {
	client, _, _ := connect(t)
	for name, list := range map[string]datastore.PropertyList{"full": full(), "none": allNone(), "empty": {}} {
		for _, entity := range []any{new(Pointers), new(Plain), new(Nothing)} {
			t.Run(fmt.Sprintf("%s/%T", name, entity), func(t *testing.T) {
				key := datastore.NameKey("All", name, nil)
				if _, err := client.Put(t.Context(), key, &list); err != nil {
					t.Fatal(err)
				}
				if err := client.Get(t.Context(), key, entity); err != nil {
					t.Fatal(err)
				}
				if _, err := client.Put(t.Context(), key, entity); err != nil {
					t.Fatal(err)
				}
				var got datastore.PropertyList
				if err := client.Get(t.Context(), key, &got); err != nil {
					t.Fatal(err)
				}
				want, got := sorted(list), sorted(got)
				if !reflect.DeepEqual(got, want) {
					for _, p := range want {
						if !slices.ContainsFunc(got, func(q datastore.Property) bool { return reflect.DeepEqual(p, q) }) {
							t.Errorf("lost %+v", p)
						}
					}
					for _, p := range got {
						if !slices.ContainsFunc(want, func(q datastore.Property) bool { return reflect.DeepEqual(p, q) }) {
							t.Errorf("new %+v", p)
						}
					}
				}
			})
		}
	}
}

// What the program changes is written; all else stays.
func TestChanges(t *testing.T) {
	text := "new"
	for _, test := range []struct {
		name   string
		loaded []datastore.Property
		change func(e *Pointers)
		want   []datastore.Property
	}{
		{"None gets a value", []datastore.Property{{Name: "string"}}, func(e *Pointers) { e.String = &text }, []datastore.Property{{Name: "string", Value: "new"}}},
		{"a value becomes None", []datastore.Property{{Name: "string", Value: "old"}}, func(e *Pointers) { e.String = nil }, []datastore.Property{{Name: "string"}}},
		{"missing gets a value", []datastore.Property{{Name: "x", Value: "kept"}}, func(e *Pointers) { e.String = &text }, []datastore.Property{{Name: "string", Value: "new"}, {Name: "x", Value: "kept"}}},
		{"the index stays", []datastore.Property{{Name: "string", Value: "old", NoIndex: true}}, func(e *Pointers) { e.String = &text }, []datastore.Property{{Name: "string", Value: "new", NoIndex: true}}},
		{"a list is emptied", []datastore.Property{{Name: "strings", Value: []any{"a"}}}, func(e *Pointers) { e.Strings = nil }, nil},
		{"a list grows", []datastore.Property{{Name: "strings", Value: []any{"a"}}}, func(e *Pointers) { e.Strings = append(e.Strings, "b") }, []datastore.Property{{Name: "strings", Value: []any{"a", "b"}}}},
		{"a struct becomes None", []datastore.Property{{Name: "st.street", Value: "a"}, {Name: "st.gone", Value: "b"}}, func(e *Pointers) { e.Struct = nil }, []datastore.Property{{Name: "st"}}},
		{"an inner struct becomes None", []datastore.Property{{Name: "st.street", Value: "a"}, {Name: "st.inner.city", Value: "b"}}, func(e *Pointers) { e.Struct.Inner = nil }, []datastore.Property{{Name: "st.inner"}, {Name: "st.street", Value: "a"}}},
		{"a list of structs is emptied", []datastore.Property{{Name: "rst.email", Value: []any{"a"}}, {Name: "rst.gone", Value: []any{"b"}}}, func(e *Pointers) { e.Structs = nil }, nil},
		{"None becomes a struct", []datastore.Property{{Name: "st"}}, func(e *Pointers) { e.Struct = &Flat{Street: "a"} }, []datastore.Property{{Name: "st.street", Value: "a"}}},
		{"an unknown part makes no struct", []datastore.Property{{Name: "st.gone", Value: "b"}}, func(e *Pointers) {
			if e.Struct != nil {
				t.Error("an unknown part made a struct")
			}
		}, []datastore.Property{{Name: "st.gone", Value: "b"}}},
		{"dropped", []datastore.Property{{Name: "a", Value: "1"}, {Name: "sub.x", Value: "2"}, {Name: "subx", Value: "3"}}, func(e *Pointers) { e.Kept.Drop("a", "sub") }, []datastore.Property{{Name: "subx", Value: "3"}}},
	} {
		t.Run(test.name, func(t *testing.T) {
			var e Pointers
			if err := e.Load(test.loaded); err != nil {
				t.Fatal(err)
			}
			test.change(&e)
			got, err := e.Save()
			if err != nil || len(got)+len(test.want) > 0 && !reflect.DeepEqual(sorted(got), sorted(test.want)) {
				t.Errorf("%+v, %v; want %+v", got, err, test.want)
			}
		})
	}
	// A new entity is what SaveStruct makes of it.
	fresh, err := (&Plain{Integer: 1}).Save()
	direct, _ := datastore.SaveStruct(&Plain{Integer: 1})
	if err != nil || !reflect.DeepEqual(fresh, direct) {
		t.Errorf("%+v, %v", fresh, err)
	}
}

// An entity that was not understood is not written over.
func TestRefusesAfterError(t *testing.T) {
	client, _, _ := connect(t)
	key := datastore.NameKey("All", "odd", nil)
	list := datastore.PropertyList{{Name: "integer", Value: 3.5}, {Name: "string", Value: "fits"}}
	if _, err := client.Put(t.Context(), key, &list); err != nil {
		t.Fatal(err)
	}
	var e Plain
	var mismatch *datastore.ErrFieldMismatch
	if err := client.Get(t.Context(), key, &e); !errors.As(err, &mismatch) || mismatch.FieldName != "integer" || e.String != "fits" {
		t.Errorf("%v, %+v", err, e)
	}
	if _, err := client.Put(t.Context(), key, &e); err == nil || !strings.Contains(err.Error(), "is not saved") {
		t.Errorf("Put: %v", err)
	}
	var got datastore.PropertyList
	if err := client.Get(t.Context(), key, &got); err != nil || sorted(got)[0].Value != 3.5 {
		t.Errorf("%v, %v", got, err)
	}

	var part Plain
	part.Kept.Partial()
	if _, err := part.Save(); err == nil || !strings.Contains(err.Error(), "projection") {
		t.Errorf("a part: %v", err)
	}
	if err := ndb.Load(Plain{}, new(ndb.Kept), nil); err == nil {
		t.Error("a struct that is no pointer has no error")
	}
	// A property that an embedded struct without a Kept does not know would be lost.
	type local struct {
		Author Author   `datastore:"author"`
		Kept   ndb.Kept `datastore:"-"`
	}
	var l local
	err := ndb.Load(&l, &l.Kept, []datastore.Property{{Name: "author", Value: &datastore.Entity{Properties: []datastore.Property{{Name: "gone", Value: "x"}}}}})
	if _, saved := ndb.Save(&l, &l.Kept); err == nil || saved == nil {
		t.Errorf("%v, %v", err, saved)
	}
}

// Compressed values are read and written plain, and users stay users.
func TestMeanings(t *testing.T) {
	client, raw, project := connect(t)
	user := func() *pb.Value {
		return &pb.Value{Meaning: 20, ExcludeFromIndexes: true, ValueType: &pb.Value_EntityValue{EntityValue: &pb.Entity{Properties: map[string]*pb.Value{
			"email":       {ExcludeFromIndexes: true, ValueType: &pb.Value_StringValue{StringValue: "a@x"}}, // Datastore refuses them indexed
			"auth_domain": {ExcludeFromIndexes: true, ValueType: &pb.Value_StringValue{StringValue: "gmail.com"}}}}}}
	}
	zip := func(s string) *pb.Value {
		return &pb.Value{Meaning: 22, ExcludeFromIndexes: true, ValueType: &pb.Value_BlobValue{BlobValue: compressed(s)}}
	}
	list := func(values ...*pb.Value) *pb.Value {
		return &pb.Value{ValueType: &pb.Value_ArrayValue{ArrayValue: &pb.ArrayValue{Values: values}}}
	}
	key := &pb.Key{PartitionId: &pb.PartitionId{ProjectId: project}, Path: []*pb.Key_PathElement{{Kind: "All", IdType: &pb.Key_PathElement_Name{Name: "marks"}}}}
	put := func(properties map[string]*pb.Value) {
		t.Helper()
		_, err := raw.Commit(t.Context(), &pb.CommitRequest{ProjectId: project, Mode: pb.CommitRequest_NON_TRANSACTIONAL,
			Mutations: []*pb.Mutation{{Operation: &pb.Mutation_Upsert{Upsert: &pb.Entity{Key: key, Properties: properties}}}}})
		if err != nil {
			t.Fatal(err)
		}
	}
	get := func() map[string]*pb.Value {
		t.Helper()
		reply, err := raw.Lookup(t.Context(), &pb.LookupRequest{ProjectId: project, Keys: []*pb.Key{key}})
		if err != nil || len(reply.Found) != 1 {
			t.Fatal(reply, err)
		}
		return reply.Found[0].Entity.Properties
	}
	put(map[string]*pb.Value{"json": zip(`{"a": 1}`), "user": user(), "jsons": list(zip("1"), zip("2")), "users": list(user()),
		"local": {ExcludeFromIndexes: true, ValueType: &pb.Value_EntityValue{EntityValue: &pb.Entity{Properties: map[string]*pb.Value{"owner": user(), "text": zip("deep")}}}}})

	var e Pointers
	if err := client.Get(t.Context(), datastore.NameKey("All", "marks", nil), &e); err != nil {
		t.Fatal(err)
	}
	if string(e.JSON) != `{"a": 1}` || e.User.Email != "a@x" {
		t.Errorf("%s, %+v", e.JSON, e.User)
	}
	if _, err := client.Put(t.Context(), datastore.NameKey("All", "marks", nil), &e); err != nil {
		t.Fatal(err)
	}
	got := get()
	local := got["local"].GetEntityValue().GetProperties()
	for name, v := range map[string]*pb.Value{"user": got["user"], "users": got["users"].GetArrayValue().GetValues()[0], "owner": local["owner"]} {
		if v.Meaning != 20 {
			t.Errorf("%s has the meaning %d", name, v.Meaning)
		}
	}
	for name, v := range map[string]struct {
		v    *pb.Value
		want string
	}{"json": {got["json"], `{"a": 1}`}, "jsons": {got["jsons"].GetArrayValue().GetValues()[1], "2"}, "text": {local["text"], "deep"}} {
		if v.v.Meaning != 0 || string(v.v.GetBlobValue()) != v.want {
			t.Errorf("%s: meaning %d, %q", name, v.v.Meaning, v.v.GetBlobValue())
		}
	}

	// By a query, and in a transaction.
	var all []Nothing
	if _, err := client.GetAll(t.Context(), datastore.NewQuery("All"), &all); err != nil {
		t.Fatal(err)
	}
	if v, _ := all[0].Kept.Get("json"); string(v.([]byte)) != `{"a": 1}` {
		t.Errorf("by a query: %q", v)
	}
	_, err := client.RunInTransaction(t.Context(), func(tx *datastore.Transaction) error {
		var e Nothing
		if err := tx.Get(datastore.NameKey("All", "marks", nil), &e); err != nil {
			return err
		}
		_, err := tx.Put(datastore.NameKey("All", "marks", nil), &e)
		return err
	})
	if err != nil || get()["user"].Meaning != 20 {
		t.Errorf("in a transaction: %v, meaning %d", err, get()["user"].Meaning)
	}

	damaged := zip("x")
	damaged.ValueType = &pb.Value_BlobValue{BlobValue: []byte("no zlib")}
	put(map[string]*pb.Value{"json": damaged})
	if err := client.Get(t.Context(), datastore.NameKey("All", "marks", nil), &e); status.Code(err) != codes.DataLoss {
		t.Errorf("damaged: %v", err)
	}
	put(map[string]*pb.Value{"json": zip(strings.Repeat("\x00", 33<<20))})
	if err := client.Get(t.Context(), datastore.NameKey("All", "marks", nil), &e); status.Code(err) != codes.DataLoss {
		t.Errorf("a bomb: %v", err)
	}
}

func TestURLSafe(t *testing.T) {
	namespaced := datastore.NameKey("Kind", "ä", datastore.IDKey("Parent", 1<<62, nil))
	namespaced.Namespace, namespaced.Parent.Namespace = "tenant", "tenant"
	for _, key := range []*datastore.Key{datastore.IDKey("Account", 1, nil), datastore.NameKey("Book", "x", datastore.NameKey("A", "b", nil)), namespaced} {
		s, err := ndb.URLSafe(key, "s~project")
		if err != nil {
			t.Fatal(err)
		}
		back, err := datastore.DecodeKey(s)
		if err != nil || !back.Equal(key) {
			t.Errorf("%v: %s is %v, %v", key, s, back, err)
		}
	}
	for _, key := range []*datastore.Key{nil, datastore.IncompleteKey("A", nil), datastore.NameKey("A", strings.Repeat("x", 9000), nil)} {
		if s, err := ndb.URLSafe(key, "s~project"); err == nil {
			t.Errorf("%v: %s", key, s)
		}
	}
	if _, err := ndb.URLSafe(datastore.IDKey("A", 1, nil), ""); err == nil {
		t.Error("no application, no error")
	}
}

package main

import (
	"context"
	"crypto/rand"
	"encoding/base64"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"runtime"

	"github.com/webapp2go/webapp2go/cloud"
	"github.com/webapp2go/webapp2go/sessions"
)

// On a laptop, the demo keeps users and sessions in a SQLite file, and the key that signs
// cookies beside it. So users stay logged in after a restart.
const (
	dataFolder = "webapp2go-demo"
	dataFile   = "demo.db"
	keyFile    = "key"
	dataMemory = "memory" // the value of --data that keeps nothing
)

// usesFile reports whether users or sessions are in the SQLite file.
func (c *config) usesFile() bool {
	return c.SQL == "" && (c.Sessions == "sql" || c.Users == "sql")
}

// choosePlaces replaces the value auto.
func (c *config) choosePlaces() {
	auto := "sql"
	switch {
	case c.platform != cloud.Elsewhere:
		auto = "datastore"
	case c.Data == dataMemory && c.SQL == "":
		auto = "memory"
	}
	if c.Sessions == "auto" {
		c.Sessions = auto
	}
	if c.Users == "auto" {
		switch c.Sessions {
		case "datastore", "cached":
			c.Users = "datastore"
		case "sql":
			c.Users = "sql"
		default:
			c.Users = auto
		}
	}
}

// placeData finds the folder for the data, if any is stored, and puts it into c.Data.
func (c *config) placeData() error {
	switch {
	case c.platform != cloud.Elsewhere:
		return c.refuseData()
	case c.Data == dataMemory && c.usesFile():
		return errors.New("--data=memory keeps nothing, but --sessions=sql and --users=sql need a file unless --sql names a database: set --sql, or remove one of these flags")
	case c.Data == dataMemory:
		return nil
	case !c.usesFile() && (c.Sessions != "cookie" || keysAreSet()):
		c.Data = ""
		return nil
	case c.Data != "":
		folder, err := filepath.Abs(c.Data)
		if err != nil {
			return fmt.Errorf("--data=%s: %w", c.Data, err)
		}
		switch info, err := os.Stat(folder); {
		case errors.Is(err, fs.ErrNotExist):
			return fmt.Errorf("--data=%s: the folder does not exist: make it with mkdir -p, or name another; --data=memory keeps nothing", folder)
		case err != nil:
			return fmt.Errorf("--data=%s: %w", folder, err)
		case !info.IsDir():
			return fmt.Errorf("--data=%s is not a folder: name one; --data=memory keeps nothing", folder)
		}
		c.Data = folder
		return nil
	}
	parent, err := dataHome()
	if err != nil {
		return fmt.Errorf("no place to keep users and sessions: %w; name a folder with --data=FOLDER, or keep nothing with --data=memory", err)
	}
	c.Data = filepath.Join(parent, dataFolder)
	if err := os.MkdirAll(c.Data, 0o700); err != nil {
		return fmt.Errorf("the folder for users and sessions cannot be made: %w; name another with --data=FOLDER, or keep nothing with --data=memory", err)
	}
	return nil
}

// refuseData returns an error if data would be stored in a file that the platform deletes.
func (c *config) refuseData() error {
	switch {
	case c.usesFile():
		return fmt.Errorf("cloud: not started on %v: --sessions=sql and --users=sql without --sql are a file, which would be lost and not shared: give --sql, or use datastore", c.platform)
	case c.Data != "" && c.Data != dataMemory:
		return fmt.Errorf("cloud: not started on %v: what is in --data=%s would be lost and not shared: leave it out", c.platform, c.Data)
	}
	return nil
}

// dataHome returns the folder in which programs of this user keep data.
func dataHome() (string, error) {
	if folder := os.Getenv("XDG_DATA_HOME"); folder != "" {
		if !filepath.IsAbs(folder) {
			return "", fmt.Errorf("the variable XDG_DATA_HOME is %q, and must be an absolute path", folder)
		}
		return folder, nil
	}
	if runtime.GOOS == "windows" {
		return os.UserCacheDir() // %LocalAppData%
	}
	home, err := os.UserHomeDir()
	switch {
	case err != nil:
		return "", err
	case runtime.GOOS == "darwin":
		return filepath.Join(home, "Library", "Application Support"), nil
	}
	return filepath.Join(home, ".local", "share"), nil
}

// keysAreSet reports whether a variable holds or names the session keys.
func keysAreSet() bool {
	for _, name := range keyVariables {
		if os.Getenv(name) != "" {
			return true
		}
	}
	return false
}

var keyVariables = []string{"SESSION_KEYS_SECRET", "SESSION_KEYS_FILE", "SESSION_KEYS"}

// sessionKeys returns the keys from the environment, or else those in the data folder, or else
// a random one.
func (c *config) sessionKeys(ctx context.Context) ([]sessions.Key, error) {
	if keysAreSet() || c.Data == "" || c.Data == dataMemory {
		return c.platform.SessionKeys(ctx)
	}
	return fileKeys(c.Data)
}

// fileKeys returns the session keys in the data folder. It creates one at the first start. If
// two programs start at once, both use the same key.
func fileKeys(folder string) ([]sessions.Key, error) {
	path := filepath.Join(folder, keyFile)
	text, err := os.ReadFile(path)
	if errors.Is(err, fs.ErrNotExist) {
		if err = makeKey(path); err == nil {
			text, err = os.ReadFile(path)
		}
	}
	if err != nil {
		return nil, fmt.Errorf("the key that signs cookies: %w. Give this user the right to write in %s, name another folder with --data=FOLDER, or keep nothing with --data=memory", err, folder)
	}
	keys, err := sessions.ParseKeys(string(text))
	if err != nil {
		return nil, fmt.Errorf("%s: %w (delete the file to log everybody out and have a new key)", path, err)
	}
	return keys, nil
}

// makeKey writes a new key, unless another program has written one first.
func makeKey(path string) error {
	var key [32]byte
	rand.Read(key[:])
	file, err := os.CreateTemp(filepath.Dir(path), keyFile+"-*") // with mode 0600
	if err != nil {
		return err
	}
	defer os.Remove(file.Name())
	_, err = file.WriteString(base64.StdEncoding.EncodeToString(key[:]) + "\n")
	if err := errors.Join(err, file.Sync(), file.Close()); err != nil {
		return err
	}
	if err := os.Link(file.Name(), path); err != nil && !errors.Is(err, fs.ErrExist) {
		return err
	}
	return nil
}

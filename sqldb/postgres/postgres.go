// Package postgres opens a database of PostgreSQL:
//
//	db, err := postgres.Open("postgres://app:secret@db.example.org/app?sslmode=verify-full", postgres.Config{})
//	if err != nil {
//		log.Fatal(err)
//	}
//	defer db.Close()
//
// It links the driver github.com/jackc/pgx/v5.
//
// Set sslmode=verify-full: the default, prefer, falls back to a connection that is not
// encrypted.
//
// Behind a pooler in transaction mode, such as pgbouncer, add
// default_query_exec_mode=exec. Without it statements fail with "prepared statement already
// exists" (SQLSTATE 42P05). Each read then takes about twice as long.
package postgres

import (
	"cmp"
	"context"
	"database/sql"
	"database/sql/driver"
	"fmt"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
	"github.com/jackc/pgx/v5/stdlib"

	"github.com/webapp2go/webapp2go/sqldb"
)

// A Config bounds the connections. The zero value works.
type Config struct {
	// MaxConns is the most connections that this program opens. If zero, 8. All instances
	// together must stay below the server's max_connections, 100 by default: leave room
	// for the instances of the next version, and for administrators.
	MaxConns int
}

const readOnly = "25006" // read_only_sql_transaction

// Open returns the database at a URL, or at a list of settings such as
// "host=/var/run/postgresql dbname=app". A setting that is missing there is taken from
// PGHOST, PGPASSWORD and the other environment variables that PostgreSQL's own programs
// read. Open does not connect: that the server is down is noticed at the first use.
func Open(url string, c Config) (*sqldb.DB, error) {
	if c.MaxConns < 0 {
		return nil, fmt.Errorf("sqldb/postgres: Config.MaxConns is %d: give a positive number, or 0 for 8", c.MaxConns)
	}
	config, err := pgx.ParseConfig(url)
	if err != nil {
		return nil, fmt.Errorf("sqldb/postgres: write postgres://user:password@host/database: %w", err)
	}
	if config.ConnectTimeout == 0 {
		config.ConnectTimeout = 5 * time.Second
	}
	if config.RuntimeParams["application_name"] == "" {
		config.RuntimeParams["application_name"] = "webapp2go"
	}
	// After a failover a connection may still lead to the server that is read-only now.
	keep := config.OnPgError
	config.OnPgError = func(conn *pgconn.PgConn, err *pgconn.PgError) bool {
		return err.Code != readOnly && (keep == nil || keep(conn, err))
	}
	db := sql.OpenDB(connector{stdlib.GetConnector(*config)})
	connections := cmp.Or(c.MaxConns, 8)
	db.SetMaxOpenConns(connections)
	db.SetMaxIdleConns(connections)
	db.SetConnMaxIdleTime(5 * time.Minute)
	db.SetConnMaxLifetime(time.Hour)
	return &sqldb.DB{Dialect: sqldb.PostgreSQL, Write: db}, nil
}

// A connector marks the errors of connections that could not be made, such as those of a
// pooler without a server or of a name that is not found: no statement was sent.
type connector struct{ driver.Connector }

func (c connector) Connect(ctx context.Context) (driver.Conn, error) {
	conn, err := c.Connector.Connect(ctx)
	if err != nil {
		return nil, notConnected{err}
	}
	return conn, nil
}

type notConnected struct{ error }

func (e notConnected) Unwrap() error { return e.error }

// SafeToRetry is a method of pgx's own errors too, of which [pgconn.SafeToRetry] asks.
func (notConnected) SafeToRetry() bool { return true }

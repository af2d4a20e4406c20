// A server for tests that speaks MongoDB's protocol: FerretDB with SQLite. It is made of FerretDB's internal packages, because the one
// that others may embed has no logins. Go lets us import them, because the path of our module begins with that of theirs.
package main

import (
	"context"
	"flag"
	"log"
	"log/slog"
	"os"
	"os/signal"
	"syscall"

	"github.com/FerretDB/FerretDB/internal/clientconn"
	"github.com/FerretDB/FerretDB/internal/clientconn/connmetrics"
	"github.com/FerretDB/FerretDB/internal/handler/registry"
	"github.com/FerretDB/FerretDB/internal/util/password"
	"github.com/FerretDB/FerretDB/internal/util/state"
)

func main() {
	address := flag.String("listen", "127.0.0.1:27017", "the address to listen on")
	dir := flag.String("dir", "", "the folder for the data; it must exist")
	certFile := flag.String("tls-cert", "", "the certificate for TLS (PEM); left out: no TLS")
	keyFile := flag.String("tls-key", "", "the key of the certificate (PEM)")
	user := flag.String("user", "", "the one user who may log in, of the database admin; left out: everybody, without a login")
	secret := flag.String("password", "", "the password of the user")
	flag.Parse()

	logger := slog.New(slog.NewTextHandler(os.Stderr, &slog.HandlerOptions{Level: slog.LevelWarn}))
	provider, err := state.NewProvider("")
	orEnd(err)
	orEnd(provider.Update(func(s *state.State) { s.DisableTelemetry(); s.TelemetryLocked = true }))
	metrics := connmetrics.NewListenerMetrics()
	options := registry.NewHandlerOpts{
		Logger:        logger,
		ConnMetrics:   metrics.ConnMetrics,
		StateProvider: provider,
		TCPHost:       *address,
		SQLiteURL:     "file:" + *dir + "/",
		TestOpts:      registry.TestOpts{CappedCleanupPercentage: 10, BatchSize: 100},
	}
	if *user != "" {
		options.EnableNewAuth = true
		options.SetupDatabase = "admin"
		options.SetupUsername = *user
		options.SetupPassword = password.WrapPassword(*secret)
	}
	handler, closeBackend, err := registry.NewHandler("sqlite", &options)
	orEnd(err)
	defer closeBackend()

	listening := clientconn.NewListenerOpts{Mode: clientconn.NormalMode, Metrics: metrics, Handler: handler, Logger: logger}
	if *certFile == "" {
		listening.TCP = *address
	} else {
		listening.TLS, listening.TLSCertFile, listening.TLSKeyFile = *address, *certFile, *keyFile
	}
	listener, err := clientconn.Listen(&listening)
	orEnd(err)
	stop, cancel := signal.NotifyContext(context.Background(), syscall.SIGTERM, syscall.SIGINT)
	defer cancel()
	log.Print("Listening on ", *address)
	listener.Run(stop)
}

func orEnd(err error) {
	if err != nil {
		log.Fatal(err)
	}
}

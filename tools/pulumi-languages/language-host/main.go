// A stand-in for pulumi-language-python, for machines that cannot install the official one, and for
// what pulumi-language-go does with a program that is compiled already.
//
// It serves the parts of Pulumi's LanguageRuntime service that previews, updates, component plugins
// and policy packs use (pulumi/proto/pulumi/language.proto). Development only: make puts it on PATH
// only where no official host is found. ADR 0005 says why it exists and what it leaves out.
//
//	language-host PYTHON RUNNER [flags of the engine] [ENGINE ADDRESS]
//
// PYTHON runs where a project names no virtual environment and none is active; RUNNER is the
// script that runs one program in a fresh interpreter.
package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"time"

	pulumirpc "github.com/pulumi/pulumi/sdk/v3/proto/go"
	"google.golang.org/grpc"
	"google.golang.org/protobuf/types/known/emptypb"
)

const (
	mark         = "PULUMI_LANGUAGE_PYTHON_STAND_IN=1"
	alreadyShown = 32 // the SDK's own exit code for "the error was already shown"
	longest      = 400 << 20
)

type host struct {
	pulumirpc.UnimplementedLanguageRuntimeServer
	python, runner string

	mutex    sync.Mutex
	engine   string
	children map[*exec.Cmd]bool
}

func (h *host) Handshake(
	_ context.Context, request *pulumirpc.LanguageHandshakeRequest,
) (*pulumirpc.LanguageHandshakeResponse, error) {
	h.mutex.Lock()
	defer h.mutex.Unlock()
	h.engine = request.GetEngineAddress()
	return &pulumirpc.LanguageHandshakeResponse{}, nil
}

func (h *host) GetPluginInfo(context.Context, *emptypb.Empty) (*pulumirpc.PluginInfo, error) {
	return &pulumirpc.PluginInfo{Version: "0.0.0-stand-in"}, nil
}

func (h *host) GetRequiredPackages(
	context.Context, *pulumirpc.GetRequiredPackagesRequest,
) (*pulumirpc.GetRequiredPackagesResponse, error) {
	return &pulumirpc.GetRequiredPackagesResponse{}, nil
}

func (h *host) GetRequiredPlugins(
	context.Context, *pulumirpc.GetRequiredPluginsRequest,
) (*pulumirpc.GetRequiredPluginsResponse, error) {
	return &pulumirpc.GetRequiredPluginsResponse{}, nil
}

func (h *host) InstallDependencies(
	_ *pulumirpc.InstallDependenciesRequest,
	stream pulumirpc.LanguageRuntime_InstallDependenciesServer,
) error {
	said := []byte("dependencies are installed by make, not here\n")
	return stream.Send(&pulumirpc.InstallDependenciesResponse{Stderr: said})
}

// About is asked before every update, so no interpreter is started for it to tell its version.
func (h *host) About(
	_ context.Context, request *pulumirpc.AboutRequest,
) (*pulumirpc.AboutResponse, error) {
	return &pulumirpc.AboutResponse{Executable: h.interpreter(request.GetInfo())}, nil
}

func (h *host) GetProgramDependencies(
	ctx context.Context, request *pulumirpc.GetProgramDependenciesRequest,
) (*pulumirpc.GetProgramDependenciesResponse, error) {
	const script = "import json, importlib.metadata as m;" +
		"print(json.dumps([{'name': d.name, 'version': d.version} for d in m.distributions()]))"
	said, err := ask(ctx, h.interpreter(request.GetInfo()), script)
	if err != nil {
		return nil, err
	}
	var found []*pulumirpc.DependencyInfo
	if err := json.Unmarshal(said, &found); err != nil {
		return nil, err
	}
	return &pulumirpc.GetProgramDependenciesResponse{Dependencies: found}, nil
}

// Run runs one program to its end; its output goes straight to ours.
func (h *host) Run(
	_ context.Context, request *pulumirpc.RunRequest,
) (*pulumirpc.RunResponse, error) {
	h.mutex.Lock()
	engine := h.engine
	h.mutex.Unlock()
	child, err := h.interpreted(request, engine)
	if binary := option(request.GetInfo(), "binary"); binary != "" {
		child, err = compiled(request, engine, binary)
	}
	if err != nil {
		return nil, err
	}
	child.Dir = request.GetPwd()
	child.Stdout, child.Stderr = os.Stdout, os.Stderr
	var ended *exec.ExitError
	if err := h.runChild(child); err == nil {
		return &pulumirpc.RunResponse{}, nil
	} else if !errors.As(err, &ended) {
		return nil, err
	}
	if ended.ExitCode() == alreadyShown {
		return &pulumirpc.RunResponse{Bail: true}, nil
	}
	said := fmt.Sprintf("program exited with code %d", ended.ExitCode())
	return &pulumirpc.RunResponse{Error: said}, nil
}

// interpreted is a Python program in a fresh interpreter.
func (h *host) interpreted(request *pulumirpc.RunRequest, engine string) (*exec.Cmd, error) {
	info := request.GetInfo()
	job, err := json.Marshal(map[string]any{
		"monitor":       request.GetMonitorAddress(),
		"engine":        engine,
		"project":       request.GetProject(),
		"stack":         request.GetStack(),
		"organization":  request.GetOrganization(),
		"rootDirectory": info.GetRootDirectory(),
		"dryRun":        request.GetDryRun(),
		"parallel":      request.GetParallel(),
		"config":        orEmpty(request.GetConfig()),
		"secretKeys":    append([]string{}, request.GetConfigSecretKeys()...),
		"program":       entry(request.GetPwd(), info.GetEntryPoint()),
		"args":          append([]string{}, request.GetArgs()...),
	})
	if err != nil {
		return nil, err
	}
	child := exec.Command(h.interpreter(info), "-u", h.runner)
	child.Env = append(os.Environ(), mark)
	// Configuration holds secrets, so it travels by pipe: argv and environment are readable.
	child.Stdin = strings.NewReader(string(job))
	return child, nil
}

// compiled is told everything by its environment, as Pulumi's Go SDK reads it.
func compiled(request *pulumirpc.RunRequest, engine, binary string) (*exec.Cmd, error) {
	config, err := json.Marshal(orEmpty(request.GetConfig()))
	if err != nil {
		return nil, err
	}
	secret, err := json.Marshal(append([]string{}, request.GetConfigSecretKeys()...))
	if err != nil {
		return nil, err
	}
	child := exec.Command(filepath.Join(request.GetPwd(), binary))
	child.Env = append(
		os.Environ(),
		"PULUMI_ORGANIZATION="+request.GetOrganization(),
		"PULUMI_PROJECT="+request.GetProject(),
		"PULUMI_STACK="+request.GetStack(),
		"PULUMI_CONFIG="+string(config),
		"PULUMI_CONFIG_SECRET_KEYS="+string(secret),
		fmt.Sprintf("PULUMI_DRY_RUN=%t", request.GetDryRun()),
		fmt.Sprintf("PULUMI_PARALLEL=%d", request.GetParallel()),
		"PULUMI_MONITOR="+request.GetMonitorAddress(),
		"PULUMI_ENGINE="+engine,
	)
	return child, nil
}

// RunPlugin starts a plugin written in Python and relays its output until it ends.
func (h *host) RunPlugin(
	request *pulumirpc.RunPluginRequest, stream pulumirpc.LanguageRuntime_RunPluginServer,
) error {
	info := request.GetInfo()
	words := append(
		[]string{"-u", entry(info.GetProgramDirectory(), info.GetEntryPoint())}, request.GetArgs()...,
	)
	child := exec.CommandContext(stream.Context(), h.interpreter(info), words...)
	child.Cancel = func() error { return child.Process.Signal(syscall.SIGTERM) }
	child.Dir = request.GetPwd()
	if child.Env = request.GetEnv(); len(child.Env) == 0 {
		child.Env = os.Environ()
	}
	var sending sync.Mutex
	send := func(response *pulumirpc.RunPluginResponse) error {
		sending.Lock()
		defer sending.Unlock()
		return stream.Send(response)
	}
	child.Stdout = writer(func(data []byte) error {
		return send(&pulumirpc.RunPluginResponse{
			Output: &pulumirpc.RunPluginResponse_Stdout{Stdout: data},
		})
	})
	child.Stderr = writer(func(data []byte) error {
		return send(&pulumirpc.RunPluginResponse{
			Output: &pulumirpc.RunPluginResponse_Stderr{Stderr: data},
		})
	})
	err := h.runChild(child)
	var ended *exec.ExitError
	if err != nil && !errors.As(err, &ended) {
		return err
	}
	return send(&pulumirpc.RunPluginResponse{
		Output: &pulumirpc.RunPluginResponse_Exitcode{Exitcode: int32(child.ProcessState.ExitCode())},
	})
}

func (h *host) Cancel(context.Context, *emptypb.Empty) (*emptypb.Empty, error) {
	return &emptypb.Empty{}, nil
}

// interpreter is the Python of the project's virtualenv option, else the active one, else ours.
func (h *host) interpreter(info *pulumirpc.ProgramInfo) string {
	for _, root := range []string{option(info, "virtualenv"), os.Getenv("VIRTUAL_ENV")} {
		if root == "" {
			continue
		}
		if !filepath.IsAbs(root) {
			root = filepath.Join(info.GetRootDirectory(), root)
		}
		if found := filepath.Join(root, "bin", "python"); exists(found) {
			return found
		}
	}
	return h.python
}

func (h *host) runChild(child *exec.Cmd) error {
	if err := child.Start(); err != nil {
		return err
	}
	h.mutex.Lock()
	h.children[child] = true
	h.mutex.Unlock()
	defer func() {
		h.mutex.Lock()
		delete(h.children, child)
		h.mutex.Unlock()
	}()
	return child.Wait()
}

// end ends the programs that still run: they speak to an engine that is no more.
func (h *host) end() {
	h.mutex.Lock()
	defer h.mutex.Unlock()
	for child := range h.children {
		_ = child.Process.Signal(syscall.SIGTERM)
	}
}

type writer func([]byte) error

func (w writer) Write(data []byte) (int, error) { return len(data), w(append([]byte{}, data...)) }

// option is one of the project's runtime.options.
func option(info *pulumirpc.ProgramInfo, name string) string {
	return info.GetOptions().GetFields()[name].GetStringValue()
}

func ask(ctx context.Context, python, script string) ([]byte, error) {
	return exec.CommandContext(ctx, python, "-c", script).Output()
}

func entry(folder, point string) string {
	if filepath.IsAbs(point) {
		return point
	}
	return filepath.Join(folder, point)
}

func exists(path string) bool {
	_, err := os.Stat(path)
	return err == nil
}

func orEmpty(values map[string]string) map[string]string {
	if values == nil {
		return map[string]string{}
	}
	return values
}

// engineAddress is the last word that is no flag; older engines name it so.
func engineAddress(words []string) string {
	for index := len(words) - 1; index >= 0; index-- {
		if !strings.HasPrefix(words[index], "-") {
			return words[index]
		}
	}
	return ""
}

func serve(h *host) error {
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return err
	}
	server := grpc.NewServer(grpc.MaxRecvMsgSize(longest))
	pulumirpc.RegisterLanguageRuntimeServer(server, h)
	// The engine ends its plugins with SIGINT: that is the normal way out, not a failure.
	stop := make(chan os.Signal, 1)
	signal.Notify(stop, syscall.SIGINT, syscall.SIGTERM)
	engine := os.Getppid()
	go func() {
		for {
			select {
			case <-stop:
				server.Stop()
				return
			case <-time.After(time.Second):
				// An engine that was killed sends nothing; it is our parent, so we notice.
				if os.Getppid() != engine {
					h.end()
					server.Stop()
					return
				}
			}
		}
	}()
	if _, err := io.WriteString(os.Stdout, fmt.Sprintln(listener.Addr().(*net.TCPAddr).Port)); err != nil {
		return err
	}
	return server.Serve(listener)
}

func main() {
	if len(os.Args) < 3 {
		fmt.Fprintln(os.Stderr, "usage: language-host PYTHON RUNNER [ENGINE ADDRESS]")
		os.Exit(2)
	}
	h := &host{
		python:   os.Args[1],
		runner:   os.Args[2],
		engine:   engineAddress(os.Args[3:]),
		children: map[*exec.Cmd]bool{},
	}
	if err := serve(h); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

// A compiled program for the tests: two resources of the echo provider, through Pulumi's Go SDK,
// which speaks gRPC with the engine. `make test` builds it; what runs is the binary.
package main

import (
	"os"
	"path/filepath"
	"strings"

	"github.com/pulumi/pulumi/sdk/v3/go/pulumi"
	"github.com/pulumi/pulumi/sdk/v3/go/pulumi/config"
)

type thing struct {
	pulumi.CustomResourceState
	Arn pulumi.StringOutput `pulumi:"arn"`
}

func main() {
	pulumi.Run(func(ctx *pulumi.Context) error {
		token := config.New(ctx, "").RequireSecret("token")
		first, err := register(ctx, "first", token)
		if err != nil {
			return err
		}
		// What else is wanted stands beside the binary, one name a line.
		self, err := os.Executable()
		if err != nil {
			return err
		}
		more, err := os.ReadFile(filepath.Join(filepath.Dir(self), "more.txt"))
		if err != nil {
			return err
		}
		for _, name := range strings.Fields(string(more)) {
			if _, err := register(ctx, name, first.Arn); err != nil {
				return err
			}
		}
		ctx.Export("arn", first.Arn)
		return nil
	})
}

func register(ctx *pulumi.Context, name string, label pulumi.StringInput) (*thing, error) {
	made := &thing{}
	err := ctx.RegisterResource("echo:index:Thing", name, pulumi.Map{"label": label}, made)
	return made, err
}

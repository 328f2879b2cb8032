# Targets that the workflows call; part of the Makefile. They can be called by hand too.

rehearse: .venv/rehearsal # Rehearse, show the demo and destroy in one go
	@$(RUN) rehearsal rehearse

image-digest: .venv/ready # Print the digest of the image that main built (COMMIT=..., or DIGEST=... to check it; ARGS=--if-any, RELEASED_FOR=prod)
	@$(RUN) scripts.deployment.image_digest $(ARGS)

store-function: .venv/ready # Store build/db_bootstrap.zip and print its SHA-256 (IMAGE_REPOSITORY, STATE_BUCKET, AWS_REGION)
	@$(RUN) scripts.deployment.artifacts store

fetch-function: .venv/ready # Fetch the functions' zip that main built for COMMIT, or with the image DIGEST, into build/ (IMAGE_REPOSITORY, STATE_BUCKET, AWS_REGION)
	@$(RUN) scripts.deployment.artifacts fetch

# Write what an apply would change, SQL included, to build/plan.md (ENVIRONMENT="dev prod", STATE_BUCKET, AWS_REGION).
# SAVE=1 IMAGE=...: also save the plan, for `make apply` (COMMIT=...; PLAN=s3://BUCKET/plans/ENVIRONMENT/NAME).
plan: .venv/ready | terraform
	@$(RUN) scripts.deployment.plan

# Apply the saved plan, or plan and ask (ENVIRONMENT, IMAGE, STATE_BUCKET, AWS_REGION; PLAN=s3://..., PLAN_SHA256, COMMIT;
# ACCEPT="address ..." REASON="...": although it differs)
apply: .venv/ready | terraform
	@$(RUN) scripts.deployment.apply apply

roll-back: .venv/ready | terraform # Apply an earlier IMAGE with the applied configuration, and check it (ENVIRONMENT, STATE_BUCKET, AWS_REGION)
	@$(RUN) scripts.deployment.apply roll-back

applied-commit: .venv/ready | terraform # Print the commit that was applied last (ENVIRONMENT, STATE_BUCKET, AWS_REGION)
	@$(RUN) scripts.deployment.apply applied-commit

smoke: .venv/ready | terraform # Check that what was applied is what runs, and that it serves (IMAGE, AWS_REGION)
	@$(RUN) scripts.deployment.smoke

release-notes: .venv/ready # Check that TAG=v1.2.0 is on main, with its version, and in the changelog; write build/release-notes.md
	@$(RUN) scripts.release_notes

newest-provider: .venv/ready # Validate with the newest AWS provider that the root modules accept; needs internet
	@rm -rf build/newest && mkdir -p build && cp -R terraform build/newest && rm build/newest/*/.terraform.lock.hcl
	@for root in account environment; do for command in "init -backend=false -upgrade" validate; do \
	  $(RUN) devtools.terraform -chdir=build/newest/$$root $$command || exit 1; done; done

post-plan: .venv/ready # For pull requests: one comment
	@$(RUN) scripts.github.comments comment build/plan.md

post-issue: .venv/ready # For the drift check and the nightly run: one issue titled TITLE, closed if OPEN=false (ARGS=FILE)
	@$(RUN) scripts.github.comments issue $(ARGS)

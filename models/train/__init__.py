"""How the compact model is made: distillation from SonoNet16, labelled pictures, phantoms with truth."""

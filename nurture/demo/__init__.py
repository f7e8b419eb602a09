"""The demo: four months of a made-up coffee business on a virtual clock, through the verbs and endpoints of earnest."""

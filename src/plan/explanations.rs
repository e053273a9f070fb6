//! What the findings of this part mean, for `promote-bot explain`.

/// What a built-in finding means, for `promote-bot explain`.
#[derive(Debug, Clone, Copy)]
pub struct Explanation {
    /// The finding's id.
    pub id: &'static str,
    /// What it means, why it is a no, and what to do.
    pub text: &'static str,
}

/// All findings this part can make.
pub const EXPLANATIONS: &[Explanation] = &[
    Explanation {
        id: "destination-conflict",
        text: "The destination already has this tag, with another digest. promote-bot never moves a tag: what runs there would \
               change without a review. Give the new build a new tag, or reference it by digest; or, when the tag at the destination \
               is a mistake, delete it there by hand and run again.",
    },
    Explanation {
        id: "tag-digest-mismatch",
        text: "A reference names both a tag and a digest, and the registry says that they are two different images. Container \
               runtimes would use the digest and ignore the tag, so what is written is not what runs. Write the digest that the tag has now, or \
               the tag that belongs to the digest.",
    },
    Explanation {
        id: "missing-source",
        text: "The image is not in the registry of its environment, and it is not where it would be copied from either. Merging the \
               change would end in ImagePullBackOff. Build and push it first, or correct the reference.",
    },
    Explanation {
        id: "no-policy",
        text: "The environment names a folder of policies, and none of them is for this image: nobody decided whether it may run. Add its \
               repository to the `images` of a policy, or write a policy for what no other is for.",
    },
    Explanation {
        id: "signature-unproved",
        text: "A rule asks for a signature. The image is at its destination with its digest unchanged, and the signature that let it go is not \
               there with it, or cannot be verified there. Whoever verifies signatures where it runs would refuse it. See what the environment \
               lets go along (`referrers`), and whether something at the destination removes what hangs on images; run again then.",
    },
    Explanation {
        id: "record-missing",
        text: "The image is copied and proved, and the signed record of its promotion could not be written beside it. Run again: what is \
               promoted stays, and the record is added.",
    },
    Explanation {
        id: "waiver-unused",
        text: "A waiver excuses what nobody complains of any more, or is for images that are not part of this change. Take the first kind \
               out of the waivers file: what is not needed today would excuse something else tomorrow.",
    },
    Explanation {
        id: "waiver-ends-soon",
        text: "A waiver that lets something pass ends within a week; then it is denied. Put right what it excuses, or have its owner decide \
               anew.",
    },
    Explanation {
        id: "registry-unreadable",
        text: "A registry could not be asked, so nothing is known about the image. This is not a verdict: put right what the message \
               names and run again.",
    },
    Explanation {
        id: "unreadable-reference",
        text: "An image reference does not follow the grammar of registries, or is a template that another program fills in later. \
               promote-bot cannot tell which image will run. Write the reference out, or keep templates out of what it judges.",
    },
    Explanation {
        id: "no-overlay",
        text: "Nothing is at the places that an environment names as its overlays, neither before nor after the change. Nothing of it can be \
               judged. Most likely a path in promote-bot.yaml is misspelt.",
    },
    Explanation {
        id: "unresolved-overlay",
        text: "The overlay could not be resolved to images, so nothing is known about what it would run. The message names the file and \
               the field; what promote-bot does not support is listed in its README.",
    },
    Explanation {
        id: "copy-failed",
        text: "The copy was begun and could not be finished. The tag was not written. Running `promote-bot promote` again goes on where it \
               stopped: blobs that arrived are not sent twice.",
    },
    Explanation {
        id: "source-refused",
        text: "The image would be copied from an environment that is to receive it by the same change, and there it was refused or denied. \
               What an environment may not have, the next one does not get. Put right the finding of the earlier environment.",
    },
    Explanation {
        id: "copy-refused",
        text: "The destination does not take the image, or the source does not deliver what its digest says. Running again will not help: \
               the message says what was refused and by whom. Nothing was named at the destination.",
    },
    Explanation {
        id: "no-policy",
        text: "The environment names a folder of policies, and none of them is for this image. An image that nobody judges is denied. Add \
               its repository to the `images` of a policy.",
    },
    Explanation {
        id: "too-large",
        text: "The image, all its platforms and layers together, is larger than `max_size` of its environment in promote-bot.yaml. It was not \
               copied. An image whose size could not be read is refused as well.",
    },
    Explanation {
        id: "platforms-left-out",
        text: "`platforms` of the environment keeps some platforms of the image from being copied, and `rewrite_index` allows that. The index \
               that is left has a digest of its own: what is signed for the whole does not hold for it and does not go along; what belongs \
               to each platform's image does.",
    },
    Explanation {
        id: "platform-missing",
        text: "None of the platforms that the environment wants (`platforms` in promote-bot.yaml) is in the image, so there is nothing to \
               copy. Build the image for one of them, or correct the list.",
    },
    Explanation {
        id: "platform-digest",
        text: "The overlay writes the digest of an index with more platforms than `platforms` lets through. An index without some of them \
               has another digest, so the reference could never be pulled. Leave the digest out of the reference, or `platforms` out of the \
               environment.",
    },
    Explanation {
        id: "foreign-layers",
        text: "The image has layers whose licence keeps them where their URLs say, as base layers of Windows have. They are not copied: whoever \
               runs the image fetches them from there.",
    },
    Explanation {
        id: "referrer-left",
        text: "Something at the source claims to belong to the image, as its signature or attestation, and cannot: it refers to another \
               image, or is not what its digest says. It was not copied. All that does belong to the image was.",
    },
    Explanation {
        id: "source-moved",
        text: "While the image was copied, its tag at the source began to name another digest. The destination holds what was judged. \
               The next change that references this tag will be a conflict.",
    },
];

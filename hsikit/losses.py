"""The losses of both papers. Each call gives its weighted terms by name; their sum is what is minimised."""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from hsikit.models.output import Output

DIRECTIONS = ("deep_to_shallow", "shallow_to_deep", "temporal", "mean_to_all")


def answers(output: Output, together: bool) -> tuple[Tensor, ...]:
    """What a loss looks at: the scores of each scale of a network, apart, or the final ones alone."""
    return (output.logits,) if together or not output.scales else output.scales


class CrossEntropy(nn.Module):
    """Cross-entropy of the final output, optionally weighted by inverse class frequency or with smooth labels.

    Args:
        balanced: Weight each class by the inverse of its number of training pixels, or by a power of it such as 0.5
            (weights average 1 a pixel).
        smoothing: Share of the target spread evenly over all classes.
        together: Train the scales of a network by the sum of their scores, instead of each by its own, as if alone.

    Example:
        >>> import torch
        >>> from hsikit.models import Output
        >>> unsure = Output(torch.zeros(2, 4), torch.zeros(2, 8))  # four classes, all alike
        >>> hsikit.CrossEntropy()(unsure, target=torch.tensor([0, 3]), index=torch.arange(2))["ce"].exp()
        tensor(4.)
    """

    def __init__(self, balanced: bool | float = False, smoothing: float = 0.0, together: bool = False) -> None:
        super().__init__()
        self.balanced, self.smoothing, self.together = balanced, smoothing, together
        self.weight: Tensor | None = None

    def begin(self, targets: Tensor, classes: int) -> None:
        """Look at the training targets (n,) once, before the first epoch."""
        if self.balanced:
            counts = torch.bincount(targets, minlength=classes).clamp(min=1).float()
            self.weight = (len(targets) / (classes * counts)) ** float(self.balanced)
            if self.balanced != 1:
                self.weight = self.weight / self.weight[targets].mean()

    def forward(self, output: Output, target: Tensor, index: Tensor, beside: Output | None = None) -> dict[str, Tensor]:
        """Terms of a batch; windows without label (`beside`) are not looked at."""
        each = [F.cross_entropy(scores, target, self.weight, label_smoothing=self.smoothing)
                for scores in answers(output, self.together)]  # fmt: skip
        return {"ce": sum(each[1:], each[0])}


class SymmetricContrastive(nn.Module):
    """Bi-directional contrastive loss between windows and class prompts (MMLGNet; the exact form is assumed).

    With s[i, c] the scaled similarity of window i and the prompt of class c:

    * vision to text: cross-entropy of s[i, :] over all trained classes, not only those in the batch.
    * text to vision: for each class c in the batch, -mean over its windows i of log softmax_j(s[j, c])[i],
      averaged over those classes. Its minimum is the mean of log n_c, reached when all positives of a class tie
      above everything else.

    Args:
        vision_to_text, text_to_vision: Weights of the two directions.
        positives: How the text-to-vision direction treats several windows of one class: "multi" (above), "sum"
            (log of the sum of the positives' softmax), or "identity" (CLIP's: each window's own prompt, other
            windows of the same class counted as negatives).
        together: Train the scales of a network by the sum of their scores, instead of each by its own, as if alone.

    Shape: logits (batch, class), target (batch,).

    Example:
        >>> import torch
        >>> from hsikit.models import Output
        >>> sure = Output(10 * torch.eye(3), torch.zeros(3, 4))  # three windows, each sure of its own class
        >>> terms = hsikit.SymmetricContrastive()(sure, target=torch.arange(3), index=torch.arange(3))
        >>> {name: round(float(value), 3) for name, value in terms.items()}
        {'v2t': 0.0, 't2v': 0.0}
    """

    def __init__(self, vision_to_text: float = 1.0, text_to_vision: float = 1.0, positives: str = "multi",
                 together: bool = False) -> None:  # fmt: skip
        super().__init__()
        if not vision_to_text and not text_to_vision:
            raise ValueError("both directions have weight 0, so nothing would be trained; give one a weight above 0")
        if positives not in ("multi", "sum", "identity"):
            raise ValueError(f"positives={positives!r} is unknown; choose 'multi', 'sum' or 'identity'")
        self.vision_to_text, self.text_to_vision, self.positives = vision_to_text, text_to_vision, positives
        self.together = together

    def begin(self, targets: Tensor, classes: int) -> None:
        """Nothing to learn about the training set."""

    def forward(self, output: Output, target: Tensor, index: Tensor, beside: Output | None = None) -> dict[str, Tensor]:
        """Terms of a batch; windows without label (`beside`) are not looked at."""
        pairs = [self._both(scores, target) for scores in answers(output, self.together)]
        v2t, t2v = (sum(each[1:], each[0]) for each in zip(*pairs))
        terms = {}
        if self.vision_to_text:
            terms["v2t"] = self.vision_to_text * v2t
        if self.text_to_vision:
            terms["t2v"] = self.text_to_vision * t2v
        return terms

    def _both(self, scores: Tensor, target: Tensor) -> tuple[Tensor, Tensor]:
        """Both directions for scores (batch, class)."""
        if self.positives == "identity":
            pairs, own = scores[:, target], torch.arange(len(target), device=target.device)  # (batch, batch)
            return F.cross_entropy(pairs, own), F.cross_entropy(pairs.T, own)
        return F.cross_entropy(scores, target), self._text_to_vision(scores, target)

    def _text_to_vision(self, scores: Tensor, target: Tensor) -> Tensor:
        is_own = F.one_hot(target, scores.shape[1]).bool()  # (batch, class)
        counts = is_own.sum(0)
        present = counts > 0
        log_share = scores.log_softmax(0)  # over the windows of the batch
        if self.positives == "sum":
            own = log_share.masked_fill(~is_own, -torch.inf)[:, present].logsumexp(0)
        else:
            own = log_share.masked_fill(~is_own, 0.0).sum(0)[present] / counts[present]
        return -own.mean()


class SelfDistillation(nn.Module):
    """Final and exit cross-entropy, soft targets between exits, and a feature hint (SDHSI-Net; weights assumed).

    loss = ce_final CE(final) + ce_exits sum_k CE(exit k) + kl sum_k T^2 KL(teacher / T || student / T)
           + hint sum_k MSE(unit features)

    Cross-entropies and KL are means over the batch, summed over exits; the MSE is a mean over batch and features.
    The teacher's outputs and features are detached, the students' are not. With windows without label beside the
    batch, the KL is a mean over both: there the outputs disagree most, and soft targets say something new.

    Args:
        ce_final, ce_exits, kl, hint: Weights of the terms; a weight of 0 leaves the term out.
        temperature: Softens the targets; the factor T^2 keeps the gradient's size.
        direction: "deep_to_shallow": the final output teaches every exit. "shallow_to_deep": each output teaches
            the next deeper one. "temporal": an average of a training pixel's own past final outputs teaches all.
            "mean_to_all": the mean of all outputs' soft targets teaches all of them, the final one included.
        smoothing: Label smoothing of every cross-entropy, the control any soft target must beat.
        balanced: Weight classes by inverse frequency, or by a power of it such as 0.5.
        momentum: Of the average in the temporal direction.
        rampup: Share of the training over which the weight of the KL rises, as the square of the way gone; 0 for none.

    Example:
        >>> import torch
        >>> network = hsikit.SDHSINet(bands=15, classes=6, window=9)
        >>> output = network(torch.randn(4, 15, 9, 9)).centre()
        >>> sorted(hsikit.SelfDistillation()(output, target=torch.arange(4), index=torch.arange(4)))
        ['ce_exits', 'ce_final', 'hint', 'kl']
    """

    def __init__(self, ce_final: float = 1.0, ce_exits: float = 0.8, kl: float = 0.1, hint: float = 0.0005,
                 temperature: float = 5.0, direction: str = "deep_to_shallow", smoothing: float = 0.0,
                 balanced: bool | float = False, momentum: float = 0.9, rampup: float = 0.0) -> None:  # fmt: skip
        super().__init__()
        if direction not in DIRECTIONS:
            raise ValueError(f"direction {direction!r} is unknown; choose one of {', '.join(DIRECTIONS)}")
        self.ce_final, self.ce_exits, self.kl, self.hint = ce_final, ce_exits, kl, hint
        self.temperature, self.direction, self.momentum, self.rampup = temperature, direction, momentum, rampup
        self.ramp = 1.0
        self.cross_entropy = CrossEntropy(balanced, smoothing)
        self.register_buffer("past", torch.empty(0))  # (training pixel, class): sums to 0 until first seen

    def begin(self, targets: Tensor, classes: int) -> None:
        """Look at the training targets (n,) once; the temporal direction makes room for past outputs."""
        self.cross_entropy.begin(targets, classes)
        if self.direction == "temporal":
            self.past = torch.zeros(len(targets), classes, device=targets.device)

    def advance(self, share: float) -> None:
        """Told before each step which share of the training lies behind."""
        self.ramp = ramped(share, self.rampup)

    def forward(self, output: Output, target: Tensor, index: Tensor, beside: Output | None = None) -> dict[str, Tensor]:
        """Weighted terms of a batch.

        Args:
            output: Of the labelled windows, logits (batch, class).
            target: Their classes (batch,) from 0.
            index: Their places (batch,) among the training pixels.
            beside: Output of windows without label, which the soft targets take in.

        Raises:
            ValueError: For windows without label in the temporal direction, which knows training pixels alone.
        """
        ce = lambda logits: self.cross_entropy(Output(logits, logits), target, index)["ce"]  # noqa: E731
        terms = {"ce_final": self.ce_final * ce(output.logits)}
        if self.ce_exits and output.exits:
            terms["ce_exits"] = self.ce_exits * torch.stack([ce(e) for e in output.exits]).sum()
        if self.kl:
            pairs = self._teacher_student(output if beside is None else joined(output, beside), index)
            if pairs:
                apart = [soft_targets(teacher, student, self.temperature) for teacher, student in pairs]
                terms["kl"] = self.kl * self.ramp * torch.stack(apart).sum()
        if self.hint and output.features:
            deep = F.normalize(output.embedding.detach(), dim=1)
            distance = [F.mse_loss(F.normalize(f, dim=1), deep) for f in output.features]
            terms["hint"] = self.hint * torch.stack(distance).sum()
        return terms

    def _teacher_student(self, output: Output, index: Tensor) -> list[tuple[Tensor, Tensor]]:
        """Pairs of soft target (batch, class), detached and summing to 1, and student logits (batch, class)."""
        soften = lambda logits: (logits.detach() / self.temperature).softmax(1)  # noqa: E731
        outputs = [*output.exits, output.logits]
        if self.direction == "deep_to_shallow":
            return [(soften(output.logits), student) for student in output.exits]
        if self.direction == "shallow_to_deep":
            return [(soften(outputs[k]), outputs[k + 1]) for k in range(len(output.exits))]
        if self.direction == "mean_to_all":
            teacher = torch.stack([soften(logits) for logits in outputs]).mean(0)
            return [(teacher, student) for student in outputs]
        if len(output.logits) > len(index):
            raise ValueError("the temporal direction has no past of windows without label; train with unlabelled: 0")
        known = self.past[index].sum(1) > 0
        target = self.past[index[known]].clone()
        now = soften(output.logits)
        if self.training:
            kept = self.momentum * self.past[index] + (1 - self.momentum) * now
            self.past[index] = torch.where(known[:, None], kept, now)
        return [(target, student[known]) for student in outputs] if known.any() else []


class Consistency(nn.Module):
    """Cross-entropy, and two views of each window without label that shall agree: a control without any exit.

    loss = CE(final) + kl r^2 sum_v T^2 KL(mean of views / T || view v / T), the mean detached; r as in
    `SelfDistillation`. The views differ by flips and by dropout. Ours, to tell what exits add to looking at
    unlabelled windows.

    Args:
        kl, temperature, rampup, smoothing, balanced: As in `SelfDistillation`.

    Example:
        >>> import torch
        >>> from hsikit.models import Output
        >>> sure = Output(10 * torch.eye(3), torch.zeros(3, 4))
        >>> terms = hsikit.Consistency()(sure, torch.arange(3), torch.arange(3), beside=sure._replace(
        ...     logits=torch.zeros(4, 3)))  # two views of two windows, equally unsure
        >>> float(terms["kl"])
        0.0
    """

    views = 2  # of each window without label, one after the other in `beside`

    def __init__(self, kl: float = 0.5, temperature: float = 2.0, rampup: float = 0.3, smoothing: float = 0.0,
                 balanced: bool | float = False) -> None:  # fmt: skip
        super().__init__()
        self.kl, self.temperature, self.rampup, self.ramp = kl, temperature, rampup, 1.0
        self.cross_entropy = CrossEntropy(balanced, smoothing)

    def begin(self, targets: Tensor, classes: int) -> None:
        """Look at the training targets (n,) once."""
        self.cross_entropy.begin(targets, classes)

    def advance(self, share: float) -> None:
        """Told before each step which share of the training lies behind."""
        self.ramp = ramped(share, self.rampup)

    def forward(self, output: Output, target: Tensor, index: Tensor, beside: Output | None = None) -> dict[str, Tensor]:
        """Weighted terms of a batch.

        Raises:
            ValueError: Without windows beside the batch: nothing could be consistent.
        """
        if beside is None:
            raise ValueError("Consistency compares views of windows without label; train with unlabelled: 32 or more")
        views = beside.logits.chunk(self.views)
        teacher = torch.stack([(v.detach() / self.temperature).softmax(1) for v in views]).mean(0)
        kl = torch.stack([soft_targets(teacher, v, self.temperature) for v in views]).sum()
        return {"ce_final": self.cross_entropy(output, target, index)["ce"], "kl": self.kl * self.ramp * kl}


def ramped(share: float, over: float) -> float:
    """Square of the way gone (0 to 1) of a rise over the first `over` of the training; 1 without a rise."""
    return min(1.0, share / over) ** 2 if over else 1.0


def soft_targets(teacher: Tensor, student: Tensor, temperature: float) -> Tensor:
    """T^2 KL(teacher || softmax(student / T)), a mean over the batch; teacher (batch, class) sums to 1."""
    log_student = (student / temperature).log_softmax(1)
    return temperature**2 * F.kl_div(log_student, teacher, reduction="batchmean")


def joined(first: Output, second: Output) -> Output:
    """Two batches of single windows as one: (first + second, class)."""
    both = lambda a, b: torch.cat([a, b])  # noqa: E731
    return Output(both(first.logits, second.logits), both(first.embedding, second.embedding),
                  tuple(map(both, first.exits, second.exits)))  # fmt: skip
